// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import WSCodec

/// The WebSocket half of a connection: the endpoint, the door to the handler, and the ending.
///
/// Theory: `.open` until one side's Close. The peer's Close, or a rule it breaks, in `.open` makes
/// it `.ending`: our Close waits until the handler has taken every message before that (so that
/// what it still sends goes out first), at the latest for the close time-out. Our own Close makes
/// it `.closing`: the peer's answer ends it. Whatever ends it sets `closeInfo`, once; after that nothing is
/// delivered but what the inbox already holds. The connection below outlives the conversation
/// until its last octets are out.
final class Conversation {
    enum State { case open, ending, closing, over }

    /// What made the conversation `.ending` or `.closing`. Indirect, so that it takes little room
    /// while there is none.
    private indirect enum Ending {
        case peerClose(CloseCode?, reason: String)
        case violation(ProtocolError)
        case ourClose(CloseInfo.Cause)
    }

    enum SendOutcome { case queued, pressured, dropped, closed, refused(SendError) }

    enum Reception { case message(Message), ended, failed(WebSocketError), empty }

    let record: ConversationRecord
    let core: LoopCore
    private let connection: Connection
    private let settings: SocketSettings
    private let endpoint: Cell<Endpoint>
    private let isCallback: Bool
    private var handler: AnySocketHandler?

    private var state = State.open
    private var ending: Ending?

    // The asynchronous door.
    private let inbox: Cell<MessageInbox>
    private var receiver: Parked?
    private var senders: [Parked] = []
    private var isSenderParked = false
    private var closers: [Parked] = []
    private var task: Task<Void, any Error>?
    /// The handler's own task, by its address: 0 for none. Compared, never followed.
    private var ownTask: UInt = 0
    private(set) var isCancelled = false
    private var isHandlerRunning = false
    /// Whether the handler has taken a message and not come back for the next.
    private var isAnswering = false

    // Back-pressure.
    private(set) var isPaused = false
    /// What the loop counts of this socket's messages.
    private var gathered: UInt32 = 0
    private static let gatheredMin = 4096
    private var isPressured = false
    private var pongOctetsQueued = 0
    private var latestPong: [UInt8]?

    // Keep-alive, on the loop's clock.
    private var lastHeard: UInt64
    @ZeroAsNil private var pingSentAt: UInt64?
    @ZeroAsNil private var closeDeadline: UInt64?
    /// When a message was compressed last, while its compressor is kept.
    @ZeroAsNil private var compressedAt: UInt64?
    /// When the message that is unfinished came on last, and how far it was, in its lowest bits.
    @ZeroAsNil private var progressedAt: UInt64?
    private var progress: UInt32 = 0
    /// Messages that the back-pressure policy has dropped.
    private(set) var messagesDropped: UInt32 = 0

    init(
        _ connection: Connection, _ record: ConversationRecord, _ settings: SocketSettings,
        _ compression: CompressionContexts?, handler: AnySocketHandler?
    ) {
        self.connection = connection
        self.record = record
        self.settings = settings
        self.handler = handler
        isCallback = handler != nil
        core = connection.core
        lastHeard = core.now
        inbox = Cell(MessageInbox(core.inboxPlaces))
        endpoint = Cell(
            Endpoint(
                role: .server, limits: settings.limits, compression: compression,
                scratch: core.endpointScratch))
        core.webSockets += 1
    }

    var request: Request { record.request }
    var subprotocol: String? { record.subprotocol }
    /// Nil until the state is `.over`.
    var closeInfo: CloseInfo? { record.closeInfo }
    var octetsQueued: Int { connection.octetsQueued }
    var compressionBytes: Int { endpoint.value.compressionBytes }
    var handle: WebSocket {
        WebSocket(confined: Confined(self, to: record.loop.token), record: record)
    }

    // MARK: The asynchronous door's task

    /// Runs the handler to its end, and with it the conversation. On the loop, in the task that
    /// becomes the handler's own.
    static func run(_ socket: WebSocket, _ body: WebSocket.Handler) async {
        socket.confined.onLoop.handlerStarted()
        do {
            try await body(socket)
            socket.confined.onLoop.handlerEnded(nil)
        } catch {
            socket.confined.onLoop.handlerEnded(error)
        }
    }

    private func handlerStarted() {
        isHandlerRunning = true
        ownTask = CurrentTask.address
    }

    private func handlerEnded(_ error: (any Error)?) {
        isHandlerRunning = false
        core.handlerFoundItsEnd(self)
        ownTask = 0
        task = nil
        inbox.value.removeAll()
        countGathered()
        switch state {
        case .ending:
            sendLastClose()
        case .open:
            let cancelled = isCancelled || error is CancellationError
            let code: CloseCode = error == nil ? .normal : cancelled ? .goingAway : .internalError
            if let error, !cancelled {
                core.shared.log.debug("handler failed: \(error)")
            }
            _ = beginClosing(
                code, reason: "",
                cause: error == nil ? .closeFrame : cancelled ? .drained : .handlerFailed)
        case .closing, .over:
            break
        }
        resumeIfPaused()
    }

    /// The task to cancel when the conversation must end.
    func adopt(_ task: Task<Void, any Error>?) { if state != .over { self.task = task } }

    var isHandlersOwnTask: Bool { ownTask != 0 && ownTask == CurrentTask.address }

    /// Cancels the handler's task and wakes whatever waits. Only the loop does this.
    func cancelHandler() {
        isCancelled = true
        task?.cancel()
        wakeAll()
    }

    // MARK: Octets in

    /// Takes octets; gives how many it is done with. Fewer than all when it paused: the rest,
    /// unmasked in part, must come again first.
    func receive(_ octets: inout MutableSpan<UInt8>) -> Int {
        lastHeard = core.now
        if pingSentAt != nil {
            pingSentAt = nil
            // The next ping may be due before the answer to this one was.
            connection.scheduleTimer()
        }
        let handler = handler, socket = LoopSocket(conversation: self)
        while state != .over {
            if isFull {
                isPaused = true
                countGathered()
                return endpoint.value.dropConsumed()
            }
            do {
                switch try endpoint.value.nextMessageInPlace(in: &octets) {
                case .message(let range, let isText):
                    guard state == .open else { continue }
                    let payload = octets.span.extracting(range)
                    if let handler {
                        hand(payload, isText, to: handler, socket)
                    } else {
                        // Safe because the endpoint has just validated this text.
                        keep(unsafe Message(copying: payload, isValidText: isText))
                    }
                case .other:
                    guard let event = try endpoint.value.nextEvent(in: &octets) else {
                        noteProgress()
                        return octets.count
                    }
                    deliver(event, octets.span)
                case .nothing(let isBetweenMessages):
                    if isBetweenMessages { noteWhole() } else { noteProgress() }
                    return octets.count
                }
            } catch {
                if state == .open { finishAfterHandler(.violation(error)) } else { fail(error) }
                break
            }
        }
        return octets.count
    }

    /// Notes that no message is unfinished.
    @inline(__always) private func noteWhole() {
        progressedAt = nil
        if gathered != 0 || !isCallback && inbox.value.octets >= Self.gatheredMin {
            countGathered()
        }
    }

    /// Brings the loop's figure up to date: what this socket keeps of messages, if it is much.
    @inline(never) private func countGathered() {
        let kept = endpoint.value.unfinishedMessageBytes + inbox.value.octets
        let counted = kept >= Self.gatheredMin ? UInt32(clamping: kept) : 0
        core.octetsGathered += Int(counted) - Int(gathered)
        gathered = counted
    }

    /// Notes when the message that the octets have left unfinished came on.
    private func noteProgress() {
        countGathered()
        guard let latest = endpoint.value.unfinishedMessageProgress else {
            return progressedAt = nil
        }
        let isNew = progressedAt == nil
        guard isNew || UInt32(truncatingIfNeeded: latest) != progress else { return }
        progress = UInt32(truncatingIfNeeded: latest)
        progressedAt = core.now
        if isNew { connection.scheduleTimer() }
    }

    /// Whether no further message may be delivered for now.
    private var isFull: Bool {
        guard state == .open else { return false }
        if isCallback { return !hasRoom }
        return inbox.value.count >= settings.inboxMaxMessages
            || inbox.value.octets >= settings.inboxMaxBytes
    }

    private func deliver(_ event: Event, _ octets: Span<UInt8>) {
        switch event {
        case .text(let payload), .binary(let payload):
            guard state == .open else { return }
            guard isCallback else {
                // Safe because the endpoint has just found the event in these octets.
                return keep(unsafe event.uncheckedMessage(in: octets))
            }
            guard let handler else { return }
            let isText = if case .text = event { true } else { false }
            let socket = LoopSocket(conversation: self)
            switch payload {
            case .inPlace(let range):
                hand(octets.extracting(range), isText, to: handler, socket)
            case .assembled(let assembled):
                hand(assembled.span, isText, to: handler, socket)
                core.endpointScratch.recycle(assembled)
            }
        case .ping:
            let ping = event.message(in: octets)
            answerPing(ping)
            if settings.showsControlFrames, !isCallback { keep(ping) }
        case .pong:
            if settings.showsControlFrames, !isCallback { keep(event.message(in: octets)) }
        case .close(let code, let reason):
            peerClosed(code, reason)
        }
    }

    private func hand(
        _ octets: Span<UInt8>, _ isText: Bool, to handler: AnySocketHandler, _ socket: LoopSocket
    ) {
        if isText {
            // Safe because the frame parser has validated the text.
            handler.received(.text(unsafe UTF8Span(unchecked: octets)), on: socket)
        } else {
            handler.received(.binary(RawSpan(_elements: octets)), on: socket)
        }
    }

    private func keep(_ message: consuming Message) {
        guard state == .open, isHandlerRunning || task != nil else { return }
        inbox.value.append(message)
        receiver.take()?.wake()
    }

    // MARK: Messages to the asynchronous handler

    var isReceiverParked: Bool { receiver != nil }

    func tryReceive() -> Reception {
        if let message = inbox.value.popFirst() {
            isAnswering = true
            if gathered != 0 { countGathered() }
            if isPaused, inbox.value.count <= settings.inboxMaxMessages / 2,
                inbox.value.octets <= settings.inboxMaxBytes / 2
            {
                resumeIfPaused()
            }
            return .message(message)
        }
        isAnswering = false
        if state == .ending { sendLastClose() }
        guard state == .over, let closeInfo else { return .empty }
        return closeInfo.isClean
            ? .ended : .failed(WebSocketError(.connectionFailed, closeInfo: closeInfo))
    }

    func parkReceiver(_ parked: Parked) { receiver = parked }
    func parkSender(_ parked: Parked) {
        senders.append(parked)
        isSenderParked = true
    }
    /// For what waits for the end, or for the beginning of the end.
    func parkCloser(_ parked: Parked) { closers.append(parked) }

    /// Lets every waiting task look again.
    func wakeAll() {
        receiver.take()?.wake()
        wakeSenders()
        wakeClosers()
    }

    private func wakeClosers() {
        let waiting = closers
        closers = []
        for closer in waiting { closer.wake() }
    }

    private func wakeSenders() {
        guard isSenderParked else { return }
        isSenderParked = false
        let waiting = senders
        senders = []
        for sender in waiting { sender.wake() }
    }

    private func resumeIfPaused() {
        guard isPaused else { return }
        connection.resumeSoon()
    }

    /// The connection goes on: nothing was heard while nothing was read.
    func resumed() {
        isPaused = false
        lastHeard = core.now
        pingSentAt = nil
        if progressedAt != nil { progressedAt = core.now }
    }

    // MARK: Octets out

    /// Whether the next message may be sent now: below the high-water mark, and above it where the
    /// policy is not to wait.
    var hasRoom: Bool { !isAboveMark || settings.backPressure != .suspend }

    @inline(__always) var isAboveMark: Bool {
        connection.octetsQueued >= settings.sendQueueHighWaterBytes
    }

    /// As `hasRoom`; control frames do not wait for data.
    func hasRoom(for message: Message) -> Bool {
        if hasRoom { return true }
        switch message {
        case .text, .binary: return false
        case .ping(let payload), .pong(let payload):
            return connection.octetsQueued + payload.count + 2 <= settings.sendQueueMaxBytes
        case .close: return true
        }
    }

    var isClosing: Bool { state == .closing || state == .over }

    func trySend(_ message: Message, compress: Bool?) -> SendOutcome {
        switch message {
        case .text(let text):
            return write(.text, text.utf8Span.span, compress: compress)
        case .binary(let octets):
            return write(.binary, octets.span, compress: compress)
        case .ping(let octets):
            return write(.ping, octets.span)
        case .pong(let octets):
            return write(.pong, octets.span)
        case .close(let code, let reason):
            return beginClosing(code, reason: reason, cause: .closeFrame)
        }
    }

    func send(_ message: borrowing MessageView, compress: Bool?) -> LoopSocket.SendResult {
        switch message {
        case .text(let text):
            return .init(write(.text, text.span, compress: compress))
        case .binary(let octets):
            // Safe because a raw span's octets may be read as what they are.
            return unsafe octets.withUnsafeBytes { raw in
                let octets = unsafe raw.assumingMemoryBound(to: UInt8.self)
                return unsafe .init(write(.binary, octets.span, compress: compress))
            }
        }
    }

    private func write(
        _ opcode: Opcode, _ payload: Span<UInt8>, compress: Bool? = nil
    ) -> SendOutcome {
        guard !isClosing else { return .closed }
        guard payload.count <= settings.outgoingMaxBytes else {
            return .refused(.messageTooLarge)
        }
        if opcode.isControl { return writeControl(opcode, payload) }
        let isAboveMark = isAboveMark
        if isAboveMark, let outcome = relieve(payload.count) { return outcome }
        if record.isCompressed, mayCompress,
            endpoint.value.compresses(payload.count, compress: compress)
        {
            return writeCompressed(opcode, payload)
        }
        let size = Endpoint.frameSize(payload: payload.count, role: .server)
        if isAboveMark, exceedsMax(size) { return .closed }
        do {
            let hasMemory = try connection.queue(size) { output throws(SendError) in
                try endpoint.value.send(opcode, payload, into: &output)
            }
            return hasMemory ? queuedOrPressured : lostMemory()
        } catch {
            return .refused(error)
        }
    }

    /// As `write` does, for a control frame: above the mark it goes ahead of the data that waits.
    @inline(never) private func writeControl(
        _ opcode: Opcode, _ payload: Span<UInt8>
    ) -> SendOutcome {
        let size = Endpoint.frameSize(payload: payload.count, role: .server)
        if isAboveMark, exceedsMax(size) { return .closed }
        do {
            let hasMemory = try connection.queueControl(size, goesAhead: isAboveMark) {
                output throws(SendError) in
                try endpoint.value.send(opcode, payload, into: &output)
            }
            return hasMemory ? queuedOrPressured : lostMemory()
        } catch {
            return .refused(error)
        }
    }

    /// Drops the connection if `size` octets more are too many.
    private func exceedsMax(_ size: Int) -> Bool {
        guard connection.octetsQueued + size > settings.sendQueueMaxBytes else { return false }
        lost(.backlogExceeded)
        return true
    }

    private func lostMemory() -> SendOutcome {
        lost(.outOfMemory)
        return .closed
    }

    /// Does what the policy says before a data message of `size` octets is queued above the mark;
    /// gives the outcome if it is not to be queued.
    @inline(never) private func relieve(_ size: Int) -> SendOutcome? {
        switch settings.backPressure {
        case .suspend:
            return nil
        case .dropNewest:
            messagesDropped &+= 1
            return .dropped
        case .dropOldest:
            // Counted with its header, which is never longer; and a quarter, so that a queue that
            // stays full is not moved for each message.
            let wanted = max(size, settings.sendQueueHighWaterBytes / 4)
            messagesDropped &+= UInt32(clamping: connection.dropOldest(wanted))
            return nil
        case .close:
            messagesDropped &+= UInt32(clamping: connection.dropOldest(.max))
            _ = beginClosing(.tryAgainLater, reason: "", cause: .backlogExceeded)
            return .closed
        }
    }

    /// A peer could not decompress what follows a dropped message that the context remembers.
    private var mayCompress: Bool {
        settings.backPressure != .dropOldest
            || record.compression?.serverNoContextTakeover == true
    }

    /// As `write` does, for a frame whose size only the compressor tells.
    private func writeCompressed(_ opcode: Opcode, _ payload: Span<UInt8>) -> SendOutcome {
        let queued = connection.octetsQueued
        // The connection is not to be lost while the endpoint is at work.
        var cause: CloseInfo.Cause?
        do {
            try endpoint.value.send(opcode, payload, compress: true) {
                size, write throws(SendError) in
                if queued >= settings.sendQueueHighWaterBytes,
                    queued + size > settings.sendQueueMaxBytes
                {
                    cause = .backlogExceeded
                    throw .outOfMemory
                }
                guard try connection.queue(size, write) else {
                    cause = .outOfMemory
                    throw .outOfMemory
                }
            }
        } catch {
            guard let cause else { return .refused(error) }
            lost(cause)
            return .closed
        }
        if endpoint.value.compressionBytes > 0 {
            let isNew = compressedAt == nil
            compressedAt = core.now
            if isNew { connection.scheduleTimer() }
        }
        return queuedOrPressured
    }

    @inline(__always) private var queuedOrPressured: SendOutcome {
        guard connection.octetsQueued >= settings.sendQueueHighWaterBytes else { return .queued }
        isPressured = true
        return .pressured
    }

    /// The kernel has taken octets: whoever waits for room may go on.
    func sendProgressed() {
        let queued = connection.octetsQueued
        if queued == 0 { pongOctetsQueued = 0 }
        if let pong = latestPong, pongOctetsQueued == 0 {
            latestPong = nil
            queuePong(pong.span)
        }
        guard isPressured || isPaused || isSenderParked,
            queued <= settings.sendQueueHighWaterBytes / 2
        else { return }
        let wasPressured = isPressured
        isPressured = false
        wakeSenders()
        guard let handler, state != .over else { return }
        if wasPressured { handler.writable(LoopSocket(conversation: self)) }
        // Also what replies before the upgrade have filled the queue with is drained now.
        if !isFull { resumeIfPaused() }
    }

    /// Pongs count toward the send queue; past their limit only the latest is kept, as
    /// RFC 6455 section 5.5.3 allows, so that a flood of pings costs no memory.
    private func answerPing(_ ping: Message) {
        guard !isClosing, case .ping(let payload) = ping else { return }
        let isFull = pongOctetsQueued > 0 && pongOctetsQueued >= settings.pongQueueMaxBytes
        if latestPong != nil || isFull {
            latestPong = payload
        } else {
            queuePong(payload.span)
        }
    }

    private func queuePong(_ payload: Span<UInt8>) {
        pongOctetsQueued += payload.count + 2
        _ = write(.pong, payload)
    }

    // MARK: The closing handshake

    /// Sends our Close, or the answer to the peer's.
    func beginClosing(_ code: CloseCode?, reason: String, cause: CloseInfo.Cause) -> SendOutcome {
        switch state {
        case .closing, .over:
            return .closed
        case .ending:
            sendLastClose()
            return .queued
        case .open:
            var frame: [UInt8] = []
            do {
                try endpoint.value.sendClose(code, reason: reason, into: &frame)
            } catch {
                return .refused(error)
            }
            state = .closing
            ending = .ourClose(cause)
            setCloseDeadline()
            queueControl(frame)
            wakeSenders()
            // From here on the peer's messages are dropped, so reading can go on.
            resumeIfPaused()
            return .queued
        }
    }

    private func peerClosed(_ code: CloseCode?, _ reason: String) {
        switch state {
        case .open:
            finishAfterHandler(.peerClose(code, reason: reason))
        case .closing:
            let sent = endpoint.value.sentClose
            var cause = CloseInfo.Cause.closeFrame
            if case .ourClose(let ours) = ending { cause = ours }
            end(
                CloseInfo(
                    code: code ?? sent?.code ?? .noStatus, reason: reason, initiator: .local,
                    isClean: true, cause: cause, octetsUnsent: 0))
            connection.finish()
        case .ending, .over:
            break
        }
    }

    /// The peer will say nothing more that counts: our Close follows when the handler has taken
    /// every message before this.
    private func finishAfterHandler(_ ending: Ending) {
        state = .ending
        self.ending = ending
        // A handler whose task has not started yet still takes what waits for it.
        let hasHandler = isHandlerRunning || task != nil
        if hasHandler, !inbox.value.isEmpty || isAnswering {
            setCloseDeadline()
        } else {
            sendLastClose()
        }
    }

    private func sendLastClose() {
        switch ending.take() {
        case .peerClose(let code, let reason): answerClose(code, reason)
        case .violation(let error): fail(error)
        case .ourClose, nil: break
        }
    }

    /// Echoes the peer's Close (RFC 6455 section 5.5.1), which ends the conversation.
    private func answerClose(_ code: CloseCode?, _ reason: String) {
        var frame: [UInt8] = []
        // A received code was checked to be one that may be sent.
        try? endpoint.value.sendClose(code, into: &frame)
        queueControl(frame)
        end(
            CloseInfo(
                code: code ?? .noStatus, reason: reason, initiator: .remote,
                isClean: true, cause: .closeFrame, octetsUnsent: 0))
        connection.finish()
    }

    /// Fails the connection (RFC 6455 section 7.1.7): our Close with the violation's code, and
    /// nothing more is read.
    private func fail(_ error: ProtocolError) {
        var frame: [UInt8] = []
        endpoint.value.fail(with: error, into: &frame)
        queueControl(frame)
        end(
            CloseInfo(
                code: error.closeCode, reason: "", initiator: .local, isClean: false,
                cause: error.violation == .outOfMemory ? .outOfMemory : .violation(error),
                octetsUnsent: 0))
        connection.finish()
    }

    private func queueControl(_ frame: [UInt8]) {
        guard !frame.isEmpty else { return }
        if !connection.queue(frame) { lost(.outOfMemory) }
    }

    /// The peer has sent its last octet. Behind its Close, or a violation, that changes nothing:
    /// it may still read what it is owed.
    func endOfStream() {
        if state != .ending { lost(.connectionLost(code: 0)) }
    }

    /// Ends the conversation without a handshake, and the connection at once.
    func lost(_ cause: CloseInfo.Cause) {
        guard state != .over else { return }
        let received = endpoint.value.receivedClose
        end(
            CloseInfo(
                code: received.map { $0.code ?? .noStatus } ?? .abnormal,
                reason: received?.reason ?? "",
                initiator: received == nil ? cause.initiator : .remote, isClean: false,
                cause: cause, octetsUnsent: connection.octetsQueued))
        connection.abort()
    }

    private func end(_ info: CloseInfo) {
        guard state != .over else { return }
        state = .over
        ending = nil
        record.end(info)
        endpoint.value.connectionLost()
        if gathered != 0 { countGathered() }
        core.webSockets -= 1
        core.noteEnd(info)
        latestPong = nil
        closeDeadline = nil
        compressedAt = nil
        progressedAt = nil
        wakeAll()
        if isCallback { core.notifyLater(self) }
    }

    /// Tells the handler of the end, when no callback of it is running.
    func notifyEnd() {
        guard let closeInfo else { return }
        // Taken out: a handler that kept its socket would keep itself alive.
        handler.take()?.closed(closeInfo)
    }

    /// Tells the handler of the beginning.
    func notifyOpened() { handler?.opened(LoopSocket(conversation: self)) }

    // MARK: Shedding

    /// What this socket keeps of messages, as far as it counts.
    var octetsGathered: Int { Int(gathered) }

    /// Gives up what it holds, with a Close that says to come again later (1013), or at once when
    /// it has ended before.
    func shed() {
        guard state != .over else { return connection.abort() }
        messagesDropped &+= UInt32(clamping: connection.dropOldest(.max))
        inbox.value.removeAll()
        var frame: [UInt8] = []
        // There is none when our Close has been sent already.
        try? endpoint.value.sendClose(.tryAgainLater, into: &frame)
        queueControl(frame)
        end(
            CloseInfo(
                code: .tryAgainLater, reason: "", initiator: .local, isClean: false,
                cause: .overloaded, octetsUnsent: connection.octetsQueued))
        connection.finish()
    }

    // MARK: Draining

    /// Tells the handler that the server has begun to shut down.
    func notifyDraining() {
        guard state == .open else { return }
        handler?.draining(LoopSocket(conversation: self))
        wakeClosers()
    }

    /// Closes as a server that goes away does (RFC 6455 section 7.4.1).
    func drain() {
        guard state == .open else { return }
        _ = beginClosing(core.drainCode, reason: "", cause: .drained)
    }

    /// The connection is gone; a handler that goes on is only known to the loop now.
    func connectionReleased() {
        if task != nil || isHandlerRunning { core.handlerOutlivedConnection(self) }
    }

    /// The drain's deadline has passed: the conversation and its handler end now.
    func abandon() {
        cancelHandler()
        lost(.drained)
    }

    // MARK: Time

    private func setCloseDeadline() {
        closeDeadline = core.now &+ settings.closeTimeout
        connection.scheduleTimer()
    }

    var nextDeadline: UInt64? {
        if state == .over { return nil }
        if let closeDeadline { return PlantedBug.forgetsCloseTimer.isPlanted ? nil : closeDeadline }
        var deadline = livenessDeadline ?? UInt64.max
        if let compressedAt { deadline = min(deadline, compressedAt &+ settings.compressorIdle) }
        if let progressedAt, !isPaused {
            deadline = min(deadline, progressedAt &+ settings.messageStall)
        }
        return deadline == UInt64.max ? nil : deadline
    }

    private var livenessDeadline: UInt64? {
        guard !isPaused, let interval = settings.pingInterval else { return nil }
        if let pingSentAt { return pingSentAt &+ settings.pongTimeout }
        return lastHeard &+ interval
    }

    /// Why the conversation ends when the peer's Close is missing: what it did before, if it was
    /// for that that we closed.
    private var causeOfSilence: CloseInfo.Cause {
        switch ending {
        case .ourClose(.backlogExceeded): .backlogExceeded
        case .ourClose(.messageStalled): .messageStalled
        default: .closeTimeout
        }
    }

    func timerFired() {
        let now = core.now
        if let closeDeadline {
            guard closeDeadline <= now else { return }
            if state == .ending { sendLastClose() } else { lost(causeOfSilence) }
            return
        }
        if let at = compressedAt, at &+ settings.compressorIdle <= now {
            compressedAt = nil
            endpoint.value.releaseIdleCompressor()
        }
        guard state == .open, !isPaused else { return }
        if let progressedAt, progressedAt &+ settings.messageStall <= now {
            _ = beginClosing(.policyViolation, reason: "", cause: .messageStalled)
            return
        }
        guard let interval = settings.pingInterval else { return }
        if let pingSentAt {
            if pingSentAt &+ settings.pongTimeout <= now { lost(.pongTimeout) }
        } else if lastHeard &+ interval <= now {
            pingSentAt = now
            let empty: [UInt8] = []
            _ = write(.ping, empty.span)
        }
    }
}

extension CloseInfo.Cause {
    /// Who began an end that came without a closing handshake.
    fileprivate var initiator: CloseInfo.Initiator {
        if case .connectionLost = self { .none } else { .local }
    }
}
