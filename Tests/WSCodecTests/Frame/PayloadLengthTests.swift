// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

@Suite("RFC 6455 section 5.2: payload length") struct PayloadLengthTests {
    private func violation(
        of frame: WireFrame, limits: Limits = Limits(), role: Role = .server
    ) -> ProtocolError.Violation? {
        Reception(of: [frame.octets(to: role)[...]], by: role, limits: limits).violation
    }

    @Test(
        "a message of any size is sent in the shortest form and received",
        arguments: [0, 1, 124, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537],
        [Role.client, .server])
    func roundTrip(size: Int, sender: Role) throws {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let receiver: Role = sender == .client ? .server : .client
        var endpoint = Endpoint(role: sender)
        var output: [UInt8] = []
        try endpoint.send(
            .binary(payload), maskingKey: MaskingKey(0x37, 0xFA, 0x21, 0x3D), into: &output)
        #expect(output == WireFrame.binary(payload).octets(to: receiver))
        #expect(output.count == endpoint.frameSize(payload: size))
        var peer = Endpoint(role: receiver)
        #expect(try peer.receive(output) == [.binary(payload)])
    }

    @Test("16 bits for less than 126 are refused", arguments: [0, 1, 125])
    func shortIn16(size: Int) {
        let frame = WireFrame.binary([UInt8](repeating: 0, count: size))
        #expect(violation(of: frame.length(.sixteenBits)) == .nonMinimalLength)
    }

    @Test("64 bits for less than 65,536 are refused", arguments: [0, 1, 125, 126, 65535])
    func shortIn64(size: Int) {
        let frame = WireFrame.binary([UInt8](repeating: 0, count: size))
        #expect(violation(of: frame.length(.sixtyFourBits)) == .nonMinimalLength)
    }

    @Test(
        "a length with the top bit set is refused at its first octet",
        arguments: [1 << 63, 1 << 63 | 5, .max] as [UInt64], [Role.client, .server])
    func topBit(length: UInt64, role: Role) {
        let octets = WireFrame.binary([]).length(.sixtyFourBits, declared: length)
            .octets(to: role)
        let reception = Reception(of: octets.indices.map { octets[$0...$0] }, by: role)
        #expect(reception.violation == .lengthTopBit)
        #expect(reception.violationAt == 3)
    }

    @Test(
        "a length beyond every memory is refused without any",
        arguments: [1 << 32 | 5, 1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1] as [UInt64])
    func huge(length: UInt64) {
        let frame = WireFrame.text("abcde").length(.sixtyFourBits, declared: length)
        #expect(violation(of: frame) == .messageTooBig)
    }

    @Test func `with limits beyond reach the largest length is waited for`() throws {
        let limits = Limits(messageSizeMaxBytes: .max, frameSizeMaxBytes: .max)
        var server = Endpoint(role: .server, limits: limits)
        let frame = WireFrame.binary([1, 2, 3])
            .length(.sixtyFourBits, declared: UInt64(Int.max))
        #expect(try server.receive(frame.octets(to: .server)) == [])
        #expect(server.state == .open)
    }

    @Test func `with limits beyond reach a sum above 64 bits is refused`() throws {
        let limits = Limits(messageSizeMaxBytes: .max, frameSizeMaxBytes: .max)
        var server = Endpoint(role: .server, limits: limits)
        let start = WireFrame.binary([1, 2, 3], isFinal: false).octets(to: .server)
        let next = WireFrame.continuation([UInt8]())
            .length(.sixtyFourBits, declared: UInt64(Int.max)).octets(to: .server)
        #expect(try server.receive(start) == [])
        #expect(throws: ProtocolError(.messageTooBig)) { try server.receive(next) }
    }
}
