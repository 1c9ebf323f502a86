// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSCodec

@Suite struct PayloadLendingTests {
    private let scratch = EndpointScratch()
    private static let declared = 1 << 17
    private let start = start(declared)
    private let rest = [UInt8](repeating: 0, count: declared - 1)

    /// A binary frame with so many octets, as far as the first; its masking key is zero.
    private static func start(_ declared: Int) -> [UInt8] {
        [0x82, 0xFF] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: declared >> (8 * $0)) }
            + [0, 0, 0, 0, 0]
    }

    /// An endpoint in the middle of a message.
    private func begun() throws -> Endpoint {
        var endpoint = Endpoint(role: .server, scratch: scratch)
        #expect(try endpoint.receive(start) == [])
        return endpoint
    }

    @Test func `four messages are given their declared length`() throws {
        let first = try begun(), second = try begun(), third = try begun(), fourth = try begun()
        let fifth = try begun()
        let capacities = [
            first.assembler.capacity, second.assembler.capacity, third.assembler.capacity,
            fourth.assembler.capacity,
        ]
        #expect(capacities.allSatisfy { $0 >= Self.declared })
        #expect(fifth.assembler.capacity < 256)
    }

    @Test func `a message that ends makes room, whichever way it ends`() throws {
        for _ in 1...8 {
            var whole = try begun(), violated = try begun(), lost = try begun()
            let dropped = try begun()
            #expect(dropped.assembler.capacity >= Self.declared)
            #expect(try whole.receive(rest) == [.binary([0] + rest)])
            #expect(throws: ProtocolError.self) { try violated.receive(rest + [0x83]) }
            lost.connectionLost()
            #expect(whole.assembler.capacity == 0)
            #expect(violated.assembler.capacity == 0)
            #expect(lost.assembler.capacity == 0)
        }
    }

    @Test func `no message is given more than 1 MiB at once`() throws {
        var endpoint = Endpoint(
            role: .server, limits: Limits(messageSizeMaxBytes: 1 << 40), scratch: scratch)
        #expect(try endpoint.receive(Self.start(1 << 40)) == [])
        #expect(endpoint.assembler.capacity >= 1 << 20)
        #expect(endpoint.assembler.capacity < 1 << 21)
    }

    @Test func `messages of less than 64 KiB grow as they arrive`() throws {
        var endpoint = Endpoint(role: .server, scratch: scratch)
        #expect(try endpoint.receive(Self.start(1 << 16)) == [])
        #expect(endpoint.assembler.capacity >= 1 << 16)
        var smaller = Endpoint(role: .server, scratch: scratch)
        let header: [UInt8] = [0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0, 0]
        #expect(try smaller.receive(header) == [])
        #expect(smaller.assembler.capacity < 256)
    }

    @Test func `a payload given back serves a later message`() throws {
        scratch.recycle([UInt8](repeating: 7, count: Self.declared))
        var endpoint = try begun()
        #expect(scratch.sparePayloadCount == 0)
        #expect(endpoint.assembler.capacity >= Self.declared)
        #expect(try endpoint.receive(rest) == [.binary([0] + rest)])
    }

    @Test func `a payload that somebody still holds does not change`() throws {
        let held = [UInt8](repeating: 7, count: Self.declared)
        scratch.recycle(held)
        var endpoint = try begun()
        #expect(try endpoint.receive(rest) == [.binary([0] + rest)])
        #expect(held == [UInt8](repeating: 7, count: Self.declared))
    }

    @Test func `at most four payloads of a useful size are kept`() {
        for size in [0, 100, 1 << 15, 1 << 22] {
            scratch.recycle([UInt8](repeating: 0, count: size))
        }
        #expect(scratch.sparePayloadCount == 0)
        for _ in 0..<6 { scratch.recycle([UInt8](repeating: 0, count: 1 << 18)) }
        #expect(scratch.sparePayloadCount == 4)
    }
}
