// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

@Suite("RFC 6455 sections 5.1 and 5.3: masking") struct MaskingTests {
    @Test("a server refuses an unmasked frame", arguments: [0, 1, 125, 126, 65536])
    func unmasked(size: Int) {
        var frame = WireFrame.binary([UInt8](repeating: 1, count: size))
        frame.hasWrongMasking = true
        let reception = Reception(of: [frame.octets(to: .server)[...]], by: .server)
        #expect(reception.violation == .unmaskedClientFrame)
        #expect(reception.messages.isEmpty)
    }

    @Test("a client refuses a masked frame", arguments: [0, 1, 125, 126, 65536])
    func masked(size: Int) {
        var frame = WireFrame.binary([UInt8](repeating: 1, count: size))
        frame.hasWrongMasking = true
        let reception = Reception(of: [frame.octets(to: .client)[...]], by: .client)
        #expect(reception.violation == .maskedServerFrame)
        #expect(reception.messages.isEmpty)
    }

    @Test("the mask bit is judged with the second octet", arguments: [Role.client, .server])
    func earliest(role: Role) {
        var frame = WireFrame.ping([1])
        frame.hasWrongMasking = true
        let octets = frame.octets(to: role)
        let reception = Reception(of: octets.indices.map { octets[$0...$0] }, by: role)
        #expect(reception.violationAt == 2)
    }

    @Test func `each key octet masks every fourth octet of the payload`() throws {
        let key: [UInt8] = [0x01, 0x20, 0x80, 0xFF]
        let payload = (0..<67).map { UInt8($0) }
        var client = Endpoint(role: .client)
        var output: [UInt8] = []
        try client.send(
            .binary(payload), maskingKey: MaskingKey(key[0], key[1], key[2], key[3]), into: &output)
        #expect(output == WireFrame.binary(payload).octets(to: .server, key: key))
    }

    @Test func `every frame may have a key of its own`() throws {
        let octets =
            WireFrame.text("Hel", isFinal: false).octets(to: .server, key: [1, 2, 3, 4])
            + WireFrame.ping([9]).octets(to: .server, key: [0, 0, 0, 0])
            + WireFrame.continuation("lo").octets(to: .server, key: [0xFF, 0xFE, 0xFD, 0xFC])
        var server = Endpoint(role: .server)
        #expect(try server.receive(octets) == [.ping([9]), .text("Hello")])
    }

    @Test func `a server sends without a mask whatever the key`() throws {
        var server = Endpoint(role: .server)
        var output: [UInt8] = []
        try server.send(.binary([1, 2]), maskingKey: MaskingKey(9, 9, 9, 9), into: &output)
        #expect(output == [0x82, 0x02, 1, 2])
    }

    @Test func `a key comes from the generator it is given`() {
        struct Counter: RandomNumberGenerator {
            var count: UInt64 = 0
            mutating func next() -> UInt64 {
                count += 1
                return count
            }
        }
        var generator = Counter()
        let first = MaskingKey(using: &generator)
        #expect(first != MaskingKey(using: &generator))
        var again = Counter()
        #expect(first == MaskingKey(using: &again))
    }
}
