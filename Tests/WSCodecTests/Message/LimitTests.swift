// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSCodec
import WireSamples

@Suite("RFC 6455 section 10.4: limits") struct LimitTests {
    private func receive(_ frames: [WireFrame], _ limits: Limits) -> Reception {
        let octets = frames.flatMap { $0.octets(to: .server) }
        let whole = Reception(of: [octets[...]], by: .server, limits: limits)
        let single = Reception(
            of: octets.indices.map { octets[$0...$0] }, by: .server, limits: limits)
        #expect(whole.withoutPlace == single.withoutPlace)
        return single
    }

    private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    @Test(
        "a message of the limit passes, one octet more does not",
        arguments: [0, 1, 100, 125, 126, 1000, 65535, 65536])
    func message(limit: Int) {
        let limits = Limits(messageSizeMaxBytes: limit)
        let fits = receive([.binary(zeros(limit))], limits)
        #expect(fits.messages == [.binary(zeros(limit))])
        let tooBig = receive([.binary(zeros(limit + 1))], limits)
        #expect(tooBig.messages.isEmpty)
        #expect(tooBig.violation == .messageTooBig)
    }

    @Test(
        "a frame of the limit passes, one octet more does not", arguments: [0, 1, 125, 126, 1000])
    func frame(limit: Int) {
        let limits = Limits(frameSizeMaxBytes: limit)
        let fits = receive(
            [.binary(zeros(limit), isFinal: false), .continuation(zeros(limit))], limits)
        #expect(fits.messages == [.binary(zeros(2 * limit))])
        let tooBig = receive(
            [.binary(zeros(limit), isFinal: false), .continuation(zeros(limit + 1))], limits)
        #expect(tooBig.violation == .frameTooBig)
    }

    @Test func `the sum over fragments counts, and starts anew with each message`() {
        let limits = Limits(messageSizeMaxBytes: 10)
        let fits: [WireFrame] = [
            .binary(zeros(4), isFinal: false), .continuation(zeros(4), isFinal: false),
            .continuation(zeros(2)),
        ]
        #expect(receive(fits + fits, limits).messages == [.binary(zeros(10)), .binary(zeros(10))])
        let above: [WireFrame] = [
            .binary(zeros(4), isFinal: false), .continuation(zeros(4), isFinal: false),
            .continuation(zeros(3)),
        ]
        let reception = receive(fits + above, limits)
        #expect(reception.messages == [.binary(zeros(10))])
        #expect(reception.violation == .messageTooBig)
    }

    @Test func `a limit is judged with the header, before any payload`() {
        let octets = WireFrame.binary(zeros(101)).octets(to: .server)
        let reception = Reception(
            of: octets.indices.map { octets[$0...$0] }, by: .server,
            limits: Limits(messageSizeMaxBytes: 100))
        #expect(reception.violationAt == 2)
    }

    @Test("so many fragments pass, one more does not", arguments: [1, 2, 3, 50], [0, 1])
    func fragments(limit: Int, size: Int) {
        let limits = Limits(fragmentCountMax: limit)
        func frames(_ count: Int) -> [WireFrame] {
            (0..<count).map { index in
                WireFrame(index == 0 ? 2 : 0, zeros(size), isFinal: index == count - 1)
            }
        }
        #expect(receive(frames(limit), limits).messages == [.binary(zeros(limit * size))])
        let tooMany = receive(frames(limit + 1), limits)
        #expect(tooMany.messages.isEmpty)
        #expect(tooMany.violation == .tooManyFragments)
    }

    @Test func `control frames are not counted`() {
        let limits = Limits(messageSizeMaxBytes: 2, frameSizeMaxBytes: 2, fragmentCountMax: 2)
        let ping = WireFrame.ping(zeros(125))
        let reception = receive(
            [ping, .binary([1], isFinal: false), ping, ping, .continuation([2]), ping], limits)
        #expect(reception.violation == nil)
        #expect(reception.messages.count == 5)
    }

    @Test func `a negative limit counts as zero`() {
        let limits = Limits(
            messageSizeMaxBytes: -1, frameSizeMaxBytes: .min, fragmentCountMax: -5)
        #expect(receive([.binary([])], limits).messages == [.binary([])])
        #expect(receive([.binary([1])], limits).violation == .frameTooBig)
    }

    @Test func `a declared length allocates nothing`() throws {
        var server = Endpoint(
            role: .server, limits: Limits(messageSizeMaxBytes: 1 << 40))
        let header = WireFrame.binary([0x01])
            .length(.sixtyFourBits, declared: 1 << 40).octets(to: .server)
        #expect(try server.receive(header) == [])
        #expect(server.assembler.capacity < 256)
    }

    @Test func `assembly takes at most twice the octets received`() throws {
        var server = Endpoint(role: .server)
        let header = WireFrame.binary([]).length(.sixtyFourBits, declared: 1 << 20)
            .octets(to: .server)
        #expect(try server.receive(header) == [])
        var received = 0
        for size in [1, 2, 3, 100, 1000, 1, 4096, 30_000, 1, 1, 65536, 100_000, 1, 300_000, 1] {
            #expect(try server.receive(zeros(size)) == [])
            received += size
            #expect(server.assembler.capacity <= 2 * received + 4096)
        }
    }

    @Test func `an endpoint is small and holds nothing while idle`() throws {
        // Of which 16 are references: to the contexts of permessage-deflate and to scratch memory.
        #expect(MemoryLayout<Endpoint>.size <= 176)
        var server = Endpoint(role: .server)
        _ = try server.receive(
            WireFrame.text("a", isFinal: false).octets(to: .server)
                + WireFrame.continuation("b").octets(to: .server))
        #expect(server.assembler.capacity == 0)
    }
}
