// SPDX-License-Identifier: Apache-2.0

/// A conversation as callbacks on the loop's thread: the door for throughput.
///
/// One value is made per connection, on its loop, and used only there, so it may hold what is not
/// `Sendable`. Messages come with their validated octets still in the receive buffer: no task, no
/// copy, no allocation. A callback must not block: the loop's other connections wait for it.
///
/// ```swift
/// struct Echo: SocketHandler {
///     mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
///         socket.send(message)
///     }
/// }
/// router.get("/echo") { _ in .upgrade(handler: { Echo() }) }
/// ```
public protocol SocketHandler: ~Copyable, SendableMetatype {
    /// The 101 has been queued; the socket may send.
    mutating func opened(_ socket: LoopSocket)

    /// A whole data message. `message` ends with the call: copy what is to be kept.
    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket)

    /// The send queue has fallen to half its high-water mark after having passed it.
    mutating func writable(_ socket: LoopSocket)

    /// The server has begun to shut down, and closes the socket after
    /// ``WebSocketServer/Configuration/shutdownNotice``: the moment to send what is owed.
    mutating func draining(_ socket: LoopSocket)

    /// The conversation is over; nothing is called after this.
    mutating func closed(_ info: CloseInfo)
}

extension SocketHandler where Self: ~Copyable {
    /// Does nothing.
    public mutating func opened(_ socket: LoopSocket) {}
    /// Does nothing.
    public mutating func writable(_ socket: LoopSocket) {}
    /// Does nothing.
    public mutating func draining(_ socket: LoopSocket) {}
    /// Does nothing.
    public mutating func closed(_ info: CloseInfo) {}
}
