// SPDX-License-Identifier: Apache-2.0
import CYardstick
import NIOCore
import NIOWebSocket

/// SwiftNIO's masking in place, of buffers that nobody shares, so that it copies nothing.
final class NIOMasking {
    private let arena: Arena
    private var buffers: [ByteBuffer]

    init(_ arena: Arena) {
        self.arena = arena
        buffers = arena.pieces.map { piece in
            ByteBuffer(bytes: arena.part(of: arena.source, piece))
        }
    }

    /// It, if it masks right.
    func contender() throws -> Contender {
        let octets: [UInt8] = [0x97, 0x1E, 0x5A, 0xC3]
        let key: UInt32 = 0xC35A_1E97
        run(WebSocketMaskingKey(octets), passes: 1)
        for (piece, buffer) in zip(arena.pieces, buffers) {
            let part = arena.part(of: arena.target, piece)
            Wire.mask(part, key)
            guard buffer.readableBytesView.elementsEqual(part) else {
                throw Failure("NIO does not make the octets it should")
            }
        }
        arena.reset()
        return Contender(name: Contest.nio) { passes in
            Double(self.run(WebSocketMaskingKey([1, 1, 0, 1]), passes: passes))
        }
    }

    @discardableResult
    private func run(_ key: WebSocketMaskingKey?, passes: Int) -> UInt64 {
        guard let key else { return 0 }
        let start = yardstick_now()
        for _ in 0..<passes {
            for index in buffers.indices { buffers[index].webSocketMask(key) }
        }
        return yardstick_now() - start
    }
}
