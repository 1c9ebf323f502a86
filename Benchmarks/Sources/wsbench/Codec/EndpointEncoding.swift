// SPDX-License-Identifier: Apache-2.0
import CYardstick
import WSCodec

/// Frames of an arena's messages, by way of the codec's public endpoint.
final class EndpointEncoding {
    private let arena: Arena
    private var endpoint: Endpoint
    private let role: Role
    private var output: [UInt8] = []
    /// The octets of all frames.
    private let size: Int

    /// The fast road, into room that is there.
    static func intoSpan(_ role: Role) -> String { "Endpoint.send to a span, \(role)" }
    /// Into an array that has the room.
    static func intoArray(_ role: Role) -> String { "Endpoint.send to an array, \(role)" }

    private static let key = MaskingKey(0x97, 0x1E, 0x5A, 0xC3)

    init(_ arena: Arena, role: Role) throws {
        self.arena = arena
        self.role = role
        endpoint = Endpoint(role: role)
        size = arena.pieces.reduce(0) { $0 + Endpoint.frameSize(payload: $1.size, role: role) }
        output.reserveCapacity(size)
        let payloads = arena.pieces.map { [UInt8](arena.part(of: arena.source, $0)) }
        let expected = Wire.frames(payloads, isText: false) { _ in
            role == .client ? 0xC35A_1E97 : nil
        }
        for pass in [passIntoSpan, passIntoArray] {
            try pass()
            guard output == expected else {
                throw Failure("the endpoint of a \(role) does not write the frames it should")
            }
        }
    }

    func intoSpan(rivals: [Contender.Rival]) -> Contender {
        Contender(name: Self.intoSpan(role), kernel: .best, rivals: rivals) { passes in
            let start = yardstick_now()
            for _ in 0..<passes { try self.passIntoSpan() }
            return Double(yardstick_now() - start)
        }
    }

    func intoArray(rivals: [Contender.Rival]) -> Contender {
        Contender(name: Self.intoArray(role), kernel: .best, rivals: rivals) { passes in
            let start = yardstick_now()
            for _ in 0..<passes { try self.passIntoArray() }
            return Double(yardstick_now() - start)
        }
    }

    /// Allocations of a pass over all messages, by each of the roads.
    func allocations() throws -> (messages: Int, intoSpan: UInt64, intoArray: UInt64) {
        try passIntoSpan()
        let start = yardstick_allocations()
        try passIntoSpan()
        let middle = yardstick_allocations()
        try passIntoArray()
        return (arena.pieces.count, middle - start, yardstick_allocations() - middle)
    }

    private func passIntoSpan() throws {
        try Self.writeToSpan(arena, by: &endpoint, size, into: &output)
    }

    private func passIntoArray() throws {
        try Self.writeToArray(arena, by: &endpoint, into: &output)
    }

    private static func writeToSpan(
        _ arena: Arena, by endpoint: inout Endpoint, _ size: Int, into output: inout [UInt8]
    ) throws(SendError) {
        output.removeAll(keepingCapacity: true)
        let source = UnsafeBufferPointer(start: arena.source, count: arena.capacity).span
        try output.append(addingCapacity: size) { span throws(SendError) in
            for piece in arena.pieces {
                let payload = source.extracting(piece.offset..<piece.offset + piece.size)
                try endpoint.send(.binary, payload, maskingKey: Self.key, into: &span)
            }
        }
    }

    private static func writeToArray(
        _ arena: Arena, by endpoint: inout Endpoint, into output: inout [UInt8]
    ) throws(SendError) {
        output.removeAll(keepingCapacity: true)
        let source = UnsafeBufferPointer(start: arena.source, count: arena.capacity).span
        for piece in arena.pieces {
            let payload = source.extracting(piece.offset..<piece.offset + piece.size)
            try endpoint.send(.binary, payload, maskingKey: Self.key, into: &output)
        }
    }
}
