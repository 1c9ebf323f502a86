// SPDX-License-Identifier: Apache-2.0

/// One upgraded connection, as its handler sees it: a sequence of messages, and `send`.
///
/// ```swift
/// for try await message in socket { try await socket.send(message) }
/// ```
///
/// The sequence gives data messages (``UpgradeOptions/showsControlFrames`` adds pings and pongs)
/// and ends after the closing handshake, whoever began it; it throws ``WebSocketError`` when the
/// connection is lost, the peer breaks a rule, or a time-out passes. Pings are answered and Close
/// frames are exchanged without the handler's doing. Leaving the handler ends the conversation:
/// by returning with 1000, by throwing with 1011, cancelled or drained with 1001.
///
/// A value may be copied to any task. Calls from the handler's own task cost a plain call while
/// there is something to take or room to send; from another task or loop they hop to the socket's
/// loop and back.
public struct WebSocket: Sendable {
    /// What runs on an upgraded socket, as a task on the socket's loop.
    public typealias Handler = @concurrent @Sendable (WebSocket) async throws -> Void

    let confined: Confined<Conversation>
    let record: ConversationRecord

    // MARK: What is known of it

    /// The request that was upgraded: path, parameters, headers, address.
    public var request: Request { record.request }

    /// The subprotocol that was agreed on (RFC 6455 section 1.9).
    public var subprotocol: String? { record.subprotocol }

    /// permessage-deflate as it was agreed on (RFC 7692); nil when nothing is compressed.
    public var compression: PerMessageDeflate? { record.compression }

    /// How the conversation ended; nil while it goes on. From any thread.
    public var closeInfo: CloseInfo? { record.closeInfo }

    /// Octets queued that the kernel has not taken. From another thread it hops to the socket's loop.
    public nonisolated(nonsending) var bufferedAmount: Int {
        get async { await figure { $0.octetsQueued } }
    }

    /// Messages that the ``BackPressurePolicy`` has dropped. From another thread it hops to the
    /// socket's loop.
    public nonisolated(nonsending) var messagesDropped: Int {
        get async { await figure { Int($0.messagesDropped) } }
    }

    /// The octets that the socket's compression contexts take at the moment, at the most. From
    /// another thread it hops to the socket's loop.
    public nonisolated(nonsending) var compressionBytes: Int {
        get async { await figure { $0.compressionBytes } }
    }

    /// A number that only the loop knows; 0 when the loop has ended.
    private nonisolated(nonsending) func figure(
        _ figure: @escaping @Sendable (Conversation) -> Int
    ) async -> Int {
        if record.loop.isCurrent { return figure(confined.onLoop) }
        return await withTaskExecutorPreference(record.loop) {
            record.loop.isCurrent ? figure(confined.onLoop) : 0
        }
    }

    // MARK: Receiving

    /// The next message; nil after the closing handshake.
    ///
    /// - Throws: ``WebSocketError``: `.connectionFailed` with the close information after a loss,
    ///   a violation or a time-out; `.alreadyReceiving` when another task waits; `.cancelled`.
    @inlinable
    public nonisolated(nonsending) func receive() async throws(WebSocketError) -> Message? {
        switch try receiveNow() {
        case .message(let message): message
        case .ended: nil
        case .nothing: try await receiveWaiting()
        }
    }

    /// What there is without waiting.
    @usableFromInline
    enum Receipt { case message(Message), ended, nothing }

    /// A plain call, so that a message that is there costs no more.
    @usableFromInline
    func receiveNow() throws(WebSocketError) -> Receipt {
        guard record.loop.isCurrent else { return .nothing }
        switch confined.onLoop.tryReceive() {
        case .message(let message): return .message(message)
        case .ended: return .ended
        case .failed(let error): throw error
        case .empty: return .nothing
        }
    }

    /// Parks until there is something to take. The handler's own task waits in this very frame:
    /// each further one costs an allocation, and each await in it a switch of executors. What it
    /// calls is not inlined, so that the frame holds nothing while a handler is idle.
    @usableFromInline
    nonisolated(nonsending) func receiveWaiting() async throws(WebSocketError) -> Message? {
        guard isHandlersOwnTask() else { return try await receiveAsGuest() }
        while true {
            try checkReceiver()
            // Safe because `Parked` is stored where it is taken out once.
            await unsafe withUnsafeContinuation { unsafe parkReceiver($0) }
            switch try receiveParked() {
            case .message(let message): return message
            case .ended: return nil
            case .nothing: continue
            }
        }
    }

    @inline(never) private func isHandlersOwnTask() -> Bool {
        record.loop.isCurrent && confined.onLoop.isHandlersOwnTask
    }

    @inline(never) private func checkReceiver() throws(WebSocketError) {
        let conversation = confined.onLoop
        if conversation.isReceiverParked { throw WebSocketError(.alreadyReceiving) }
        try checkCancellation(conversation)
    }

    @inline(never) private func parkReceiver(_ continuation: UnsafeContinuation<Void, Never>) {
        confined.onLoop.parkReceiver(unsafe Parked(continuation))
    }

    @inline(never) private func receiveParked() throws(WebSocketError) -> Receipt {
        // Only the end of its loop moves a task to another thread.
        guard record.loop.isCurrent else { throw ended }
        return try receiveNow()
    }

    /// As `receiveWaiting`, for a task that is not the handler's own, on whatever thread. Never
    /// inlined: that would put its locals into the frame in which every idle handler waits.
    @inline(never)
    private nonisolated(nonsending) func receiveAsGuest() async throws(WebSocketError) -> Message? {
        guard record.loop.isCurrent else {
            return try await onLoop { (socket) async throws(WebSocketError) in
                try await socket.receiveHereAsGuest()
            }
        }
        return try await receiveHereAsGuest()
    }

    private nonisolated(nonsending) func receiveHereAsGuest() async throws(WebSocketError)
        -> Message?
    {
        while true {
            guard record.loop.isCurrent else { throw ended }
            switch try receiveNow() {
            case .message(let message): return message
            case .ended: return nil
            case .nothing: break
            }
            try checkReceiver()
            await wait { $0.parkReceiver($1) }
        }
    }

    // MARK: Sending

    /// Queues `message` as one frame; waits while the send queue is above its high-water mark.
    ///
    /// A `.close` begins the closing handshake without waiting for its end. Messages of one task
    /// leave in the order they were sent.
    ///
    /// - Parameter compress: Whether to compress a data message where permessage-deflate was agreed
    ///   on; nil leaves it to the threshold of ``DeflateSettings``. What does not get shorter is
    ///   sent as it is.
    /// - Throws: ``WebSocketError``: `.closed` after the Close, `.refused` for what the protocol
    ///   does not allow, `.cancelled` while waiting.
    @inlinable
    public nonisolated(nonsending) func send(_ message: Message, compress: Bool? = nil)
        async throws(WebSocketError)
    {
        if try sendNow(message, compress) { return }
        try await sendWaiting(message, compress)
    }

    /// Queues the message if that takes no waiting. A plain call, as `receiveNow`.
    @usableFromInline
    func sendNow(_ message: Message, _ compress: Bool?) throws(WebSocketError) -> Bool {
        guard record.loop.isCurrent else { return false }
        let conversation = confined.onLoop
        guard conversation.hasRoom(for: message) else { return false }
        try check(conversation.trySend(message, compress: compress))
        return true
    }

    @usableFromInline
    nonisolated(nonsending) func sendWaiting(_ message: Message, _ compress: Bool?)
        async throws(WebSocketError)
    {
        if record.loop.isCurrent { return try await sendWaitingHere(message, compress) }
        if record.closeInfo != nil { throw ended }
        try await onLoop { (socket) async throws(WebSocketError) in
            try await socket.sendWaitingHere(message, compress)
        }
    }

    /// Returns when the send queue is below its high-water mark, so that ``send(_:compress:)`` does
    /// not wait, for a sender that makes its next message only when it is wanted.
    ///
    /// - Throws: ``WebSocketError``: `.closed` when nothing can be sent any more, `.cancelled`.
    public nonisolated(nonsending) func writable() async throws(WebSocketError) {
        if record.loop.isCurrent { return try await writableHere() }
        if record.closeInfo != nil { throw ended }
        try await onLoop { (socket) async throws(WebSocketError) in
            try await socket.writableHere()
        }
    }

    private nonisolated(nonsending) func writableHere() async throws(WebSocketError) {
        while true {
            guard record.loop.isCurrent, !confined.onLoop.isClosing else { throw ended }
            if !confined.onLoop.isAboveMark { return }
            try checkCancellation(confined.onLoop)
            await wait { $0.parkSender($1) }
        }
    }

    /// Queues messages in order, each as ``send(_:compress:)`` does, in one visit to the loop.
    public nonisolated(nonsending) func send(
        contentsOf messages: [Message], compress: Bool? = nil
    ) async throws(WebSocketError) {
        if record.loop.isCurrent {
            for message in messages { try await sendWaitingHere(message, compress) }
            return
        }
        if record.closeInfo != nil { throw ended }
        try await onLoop { (socket) async throws(WebSocketError) in
            for message in messages { try await socket.sendWaitingHere(message, compress) }
        }
    }

    /// Sends a ping of at most 125 octets (RFC 6455 section 5.5.2).
    public nonisolated(nonsending) func ping(_ payload: [UInt8] = []) async throws(WebSocketError) {
        try await send(.ping(payload))
    }

    private nonisolated(nonsending) func sendWaitingHere(_ message: Message, _ compress: Bool?)
        async throws(WebSocketError)
    {
        while true {
            guard record.loop.isCurrent else { throw ended }
            let conversation = confined.onLoop
            if conversation.hasRoom(for: message) || conversation.isClosing {
                return try check(conversation.trySend(message, compress: compress))
            }
            try checkCancellation(conversation)
            await wait { $0.parkSender($1) }
        }
    }

    private func check(_ outcome: Conversation.SendOutcome) throws(WebSocketError) {
        switch outcome {
        case .queued, .pressured, .dropped: return
        case .closed: throw ended
        case .refused(let error): throw WebSocketError(.refused(error))
        }
    }

    // MARK: Closing

    /// Performs the closing handshake and returns at its end (RFC 6455 section 7.1.2), at the
    /// latest after ``ServerLimits/closeTimeout``. Messages that arrive meanwhile are dropped.
    ///
    /// Returns at once when the conversation is over already.
    ///
    /// - Throws: ``WebSocketError``: `.refused` for a code or reason that may not be sent,
    ///   `.cancelled` while waiting.
    public nonisolated(nonsending) func close(_ code: CloseCode = .normal, reason: String = "")
        async throws(WebSocketError)
    {
        if record.closeInfo != nil { return }
        if record.loop.isCurrent { return try await closeWaiting(code, reason) }
        try await onLoop { (socket) async throws(WebSocketError) in
            try await socket.closeWaiting(code, reason)
        }
    }

    private nonisolated(nonsending) func closeWaiting(_ code: CloseCode, _ reason: String)
        async throws(WebSocketError)
    {
        guard record.loop.isCurrent else { return }
        if case .refused(let error) = confined.onLoop.beginClosing(
            code, reason: reason, cause: .closeFrame)
        {
            throw WebSocketError(.refused(error))
        }
        while record.closeInfo == nil {
            guard record.loop.isCurrent else { return }
            try checkCancellation(confined.onLoop)
            await wait { $0.parkCloser($1) }
        }
    }

    /// Returns when the server has begun to shut down: the moment to send what is owed, as the
    /// socket is closed after ``WebSocketServer/Configuration/shutdownNotice``.
    ///
    /// - Throws: ``WebSocketError``: `.closed` when the conversation ends before, `.cancelled`.
    public nonisolated(nonsending) func draining() async throws(WebSocketError) {
        if record.closeInfo != nil { throw ended }
        if record.loop.isCurrent { return try await drainingHere() }
        try await onLoop { (socket) async throws(WebSocketError) in
            try await socket.drainingHere()
        }
    }

    private nonisolated(nonsending) func drainingHere() async throws(WebSocketError) {
        while true {
            guard record.loop.isCurrent, !confined.onLoop.isClosing else { throw ended }
            if confined.onLoop.core.isDraining { return }
            try checkCancellation(confined.onLoop)
            await wait { $0.parkCloser($1) }
        }
    }

    // MARK: Waiting

    private var ended: WebSocketError { WebSocketError(.closed, closeInfo: record.closeInfo) }

    private func checkCancellation(_ conversation: Conversation) throws(WebSocketError) {
        // Only the loop cancels the handler's own task, and it says so to the conversation.
        if conversation.isCancelled || !conversation.isHandlersOwnTask && Task.isCancelled {
            throw WebSocketError(.cancelled, closeInfo: record.closeInfo)
        }
    }

    /// Parks the task until something changes; may return without a change.
    ///
    /// The handler's own task parks bare: only the loop holds it, so whoever cancels it also wakes
    /// it, and a cancellation handler would double the cost. Any other task may be cancelled
    /// behind the loop's back and registers one, which wakes by a post.
    private nonisolated(nonsending) func wait(
        _ store: (Conversation, Parked) -> Void
    ) async {
        if confined.onLoop.isHandlersOwnTask {
            await Parked.park { store(confined.onLoop, $0) }
        } else {
            await withTaskCancellationHandler {
                await Parked.park { store(confined.onLoop, $0) }
            } onCancel: {
                record.loop.post { _ in confined.onLoop.wakeAll() }
            }
        }
    }

    /// Runs `operation` on the socket's loop, for a task that is elsewhere.
    private nonisolated(nonsending) func onLoop<Result: Sendable>(
        _ operation:
            @escaping @concurrent @Sendable (WebSocket) async throws(WebSocketError) ->
            Result
    ) async throws(WebSocketError) -> Result {
        do {
            return try await withTaskExecutorPreference(record.loop) { try await operation(self) }
        } catch let error as WebSocketError {
            throw error
        } catch {
            throw ended
        }
    }
}

extension WebSocket: AsyncSequence {
    /// What the sequence gives.
    public typealias Element = Message
    /// What the sequence throws.
    public typealias Failure = WebSocketError

    /// Gives the messages in order. One at a time may wait.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let socket: WebSocket

        @inlinable init(socket: WebSocket) { self.socket = socket }

        /// The next message; nil after the closing handshake. See ``WebSocket/receive()``.
        @inlinable
        public nonisolated(nonsending) mutating func next(isolation actor: (any Actor)?)
            async throws(WebSocketError) -> Message?
        {
            try await socket.receive()
        }

        /// The next message; nil after the closing handshake. See ``WebSocket/receive()``.
        @inlinable
        public nonisolated(nonsending) mutating func next() async throws(WebSocketError)
            -> Message?
        {
            try await socket.receive()
        }
    }

    /// The sequence of messages. A second task that waits at the same time throws.
    @inlinable
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(socket: self) }
}
