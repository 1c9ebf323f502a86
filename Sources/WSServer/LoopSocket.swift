// SPDX-License-Identifier: Apache-2.0

/// The socket as its ``SocketHandler`` sees it: plain calls on the loop's thread.
///
/// Not `Sendable`, so it cannot leave the loop; ``webSocket`` is the handle that can. No call here
/// runs a callback from inside.
public struct LoopSocket {
    /// What became of something that was sent.
    public enum SendResult: Sendable, Hashable {
        /// It is queued; there is room for more.
        case sent
        /// It is queued, and the queue has passed its high-water mark: no further message is
        /// delivered until it has drained to half, when `writable` is called.
        case pressured
        /// It was not queued: the queue is above its high-water mark, and the socket's
        /// ``BackPressurePolicy`` is to drop the newest.
        case dropped
        /// It was not queued: the closing handshake has begun, or the connection is over.
        case closed
        /// It was not queued: it breaks a rule of the protocol or a limit.
        case refused(SendError)
    }

    let conversation: Conversation

    /// Queues `message` as one frame of its kind, copied once from where it lies, or compressed:
    /// see ``WebSocket/send(_:compress:)``.
    @discardableResult
    public func send(_ message: borrowing MessageView, compress: Bool? = nil) -> SendResult {
        conversation.send(message, compress: compress)
    }

    /// Queues `message`; a `.close` begins the closing handshake.
    @discardableResult
    public func send(_ message: Message, compress: Bool? = nil) -> SendResult {
        SendResult(conversation.trySend(message, compress: compress))
    }

    /// Queues messages in order; stops at the first that is not taken and gives its result.
    @discardableResult
    public func send(
        contentsOf messages: some Sequence<Message>, compress: Bool? = nil
    ) -> SendResult {
        var result = SendResult.sent
        for message in messages {
            result = send(message, compress: compress)
            switch result {
            case .sent, .pressured, .dropped: continue
            case .closed, .refused: return result
            }
        }
        return result
    }

    /// Queues a ping of at most 125 octets (RFC 6455 section 5.5.2).
    @discardableResult
    public func ping(_ payload: [UInt8] = []) -> SendResult { send(.ping(payload)) }

    /// Begins the closing handshake. `closed` follows when it has ended, never from inside.
    @discardableResult
    public func close(_ code: CloseCode = .normal, reason: String = "") -> SendResult {
        SendResult(conversation.beginClosing(code, reason: reason, cause: .closeFrame))
    }

    /// Octets queued that the kernel has not taken.
    public var bufferedAmount: Int { conversation.octetsQueued }

    /// Messages that the ``BackPressurePolicy`` has dropped.
    public var messagesDropped: Int { Int(conversation.messagesDropped) }

    /// Whether the server has begun to shut down.
    public var isDraining: Bool { conversation.core.isDraining }

    /// The request that was upgraded.
    public var request: Request { conversation.request }

    /// The subprotocol that was agreed on.
    public var subprotocol: String? { conversation.subprotocol }

    /// permessage-deflate as it was agreed on (RFC 7692); nil when nothing is compressed.
    public var compression: PerMessageDeflate? { conversation.record.compression }

    /// The octets that the socket's compression contexts take at the moment, at the most.
    public var compressionBytes: Int { conversation.compressionBytes }

    /// How the conversation ended; nil while it goes on.
    public var closeInfo: CloseInfo? { conversation.closeInfo }

    /// The handle that any task on any thread may use to send and to close.
    public var webSocket: WebSocket { conversation.handle }
}

extension LoopSocket.SendResult {
    init(_ outcome: Conversation.SendOutcome) {
        switch outcome {
        case .queued: self = .sent
        case .pressured: self = .pressured
        case .dropped: self = .dropped
        case .closed: self = .closed
        case .refused(let error): self = .refused(error)
        }
    }
}
