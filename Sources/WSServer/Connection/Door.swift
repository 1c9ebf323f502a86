// SPDX-License-Identifier: Apache-2.0

/// The two ways into a conversation.
enum Door: Sendable {
    /// A task that is handed the socket.
    case conversation(WebSocket.Handler)
    /// A handler whose callbacks run on the loop.
    case callback(@Sendable () -> AnySocketHandler)
}

/// A ``SocketHandler`` with its type forgotten, so that nothing above it is generic.
class AnySocketHandler {
    func opened(_ socket: LoopSocket) {}
    func received(_ message: borrowing MessageView, on socket: LoopSocket) {}
    func writable(_ socket: LoopSocket) {}
    func draining(_ socket: LoopSocket) {}
    func closed(_ info: CloseInfo) {}
}

/// One connection's handler, in place.
final class SocketHandlerBox<Handler: SocketHandler & ~Copyable>: AnySocketHandler {
    private let handler: Cell<Handler>

    init(_ handler: consuming Handler) { self.handler = Cell(handler) }

    override func opened(_ socket: LoopSocket) { handler.value.opened(socket) }

    override func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        handler.value.received(message, on: socket)
    }

    override func writable(_ socket: LoopSocket) { handler.value.writable(socket) }

    override func draining(_ socket: LoopSocket) { handler.value.draining(socket) }

    override func closed(_ info: CloseInfo) { handler.value.closed(info) }
}

extension Reply {
    /// Accepts the opening handshake and answers the socket's events by callbacks on its loop.
    ///
    /// - Parameters:
    ///   - subprotocol: one of those the client offered, or nil.
    ///   - headers: further fields of the 101.
    ///   - options: what differs from the server's defaults for this socket.
    ///   - handler: makes the connection's handler, on the loop's thread.
    public static func upgrade<Handler: SocketHandler & ~Copyable>(
        subprotocol: String? = nil, headers: HTTPFields = [:], options: UpgradeOptions = .init(),
        handler: @escaping @Sendable () -> Handler
    ) -> Reply {
        upgrade(
            subprotocol: subprotocol, headers: headers, options: options,
            door: .callback { SocketHandlerBox(handler()) })
    }
}
