// SPDX-License-Identifier: Apache-2.0

/// One TCP connection: its operations, its octets, and its end. Knows HTTP and WebSocket only as
/// what takes the octets and is told of the end.
///
/// Theory: `.open` until someone says `finish` (the queue is flushed, our half is shut down, what
/// still arrives is dropped for a moment so that a RST cannot overtake our last octets: lingering
/// close, RFC 9112 section 9.6) or `abort` (at once). Both lead to `.releasing`: cancel, wait for
/// the last completion of every operation, close the descriptor, give up the slot. The slot is
/// never given up earlier: the kernel may still write into a buffer under its generation.
final class Connection {
    enum Stage { case open, finishing, lingering, releasing, released }

    private enum Taker {
        case exchange(Exchange)
        case conversation(Conversation)
        case none
    }

    /// What waits to be taken, and what waits to be sent.
    private struct Octets: ~Copyable {
        var backlog = Backlog()
        var sendQueue = SendQueue()
    }

    let id: ConnectionID
    let core: LoopCore
    private let descriptor: Descriptor
    private var taker = Taker.none
    private(set) var stage = Stage.open

    /// Where the timer wheel has this connection; 0 for nowhere.
    var timerTick: UInt64 = 0

    // Receiving.
    private var isReceiving = false
    private var isCancellingReceive = false
    private var hasEnded = false
    private var isTaking = false
    private var isResumeScheduled = false

    // Sending.
    private let octets = Cell(Octets())
    private var octetsCounted = 0
    private var isSending = false
    private var isFlushScheduled = false
    @ZeroAsNil private var sendDeadline: UInt64?

    // The end.
    private var mustTryAgain = false
    private static let tryAgainDelay: UInt64 = 10_000_000
    @ZeroAsNil private var lingerDeadline: UInt64?
    private var lingered = 0

    init(id: ConnectionID, _ descriptor: Descriptor, _ core: LoopCore) {
        self.id = id
        self.descriptor = descriptor
        self.core = core
    }

    /// Starts to read the first request.
    func begin(_ ring: Ring) {
        taker = .exchange(Exchange(self))
        updateReceive(ring)
        scheduleTimer()
    }

    /// From here on octets belong to the WebSocket.
    func become(_ conversation: Conversation) {
        taker = .conversation(conversation)
        octets.value.sendQueue.framesBegin()
        scheduleTimer()
    }

    /// The peer's address as text; empty when the kernel has forgotten it.
    func peerAddress() -> String { core.ring.map(descriptor.peerAddress) ?? "" }

    /// Whether an operation that ended like this is just begun anew.
    private static func isPassing(_ result: Int32) -> Bool {
        if PlantedBug.endsOnInterrupt.isPlanted { return false }
        return result == -Errno.interrupted || result == -Errno.again
    }

    // MARK: Octets in

    /// A receive completed, with octets or with its end.
    func received(_ completion: Completion, _ ring: Ring) {
        if !completion.hasMore, !(PlantedBug.ignoresEnd.isPlanted && completion.result > 0) {
            isReceiving = false
            isCancellingReceive = false
        }
        if completion.result > 0 {
            switch stage {
            // Safe because the buffer is ours until it is recycled, after this call.
            case .open: unsafe take(completion.octets)
            case .finishing, .lingering: drop(Int(completion.result))
            case .releasing, .released: break
            }
        } else if completion.result == 0 {
            hasEnded = true
            endOfStream()
        } else if completion.result == -Errno.noBuffers {
            if PlantedBug.staysStarved.isPlanted { return }
            if stage != .releasing { return core.rearmLater(self) }
        } else if !Self.isPassing(completion.result), completion.result != -Errno.cancelled {
            lose(.connectionLost(code: -completion.result))
        }
        updateReceive(ring)
        if stage == .releasing { releaseIfQuiet() }
    }

    private func take(_ received: UnsafeMutableBufferPointer<UInt8>) {
        guard octets.value.backlog.isEmpty, !isTaking else { return unsafe keep(received[...]) }
        let consumed = unsafe process(received)
        if consumed < received.count { unsafe keep(received[consumed...]) }
    }

    private func keep(_ untaken: Slice<UnsafeMutableBufferPointer<UInt8>>) {
        // Safe because the slice is read within the call.
        let rest = unsafe UnsafeBufferPointer(rebasing: untaken)
        octets.value.backlog.append(unsafe rest.span)
        if case .exchange(let exchange) = taker { unsafe exchange.countWaiting(rest.span) }
        core.octetsHeld += rest.count
    }

    /// Gives octets to whoever takes them now; the taker may change on the way.
    private func process(_ octets: UnsafeMutableBufferPointer<UInt8>) -> Int {
        isTaking = true
        defer { isTaking = false }
        var consumed = 0
        while consumed < octets.count, stage == .open {
            // Safe because the spans live no longer than one call.
            let rest = unsafe UnsafeMutableBufferPointer(rebasing: octets[consumed...])
            var taken: Int
            switch taker {
            case .exchange(let exchange):
                taken = unsafe exchange.receive(UnsafeBufferPointer(rest).span)
            case .conversation(let conversation):
                var span = unsafe rest.mutableSpan
                taken = conversation.receive(&span)
                if taken < rest.count { return consumed + taken }
            case .none:
                taken = rest.count
            }
            if taken == 0 { return consumed }
            consumed += taken
        }
        // What the end of the connection left untaken is nobody's.
        return stage == .open ? consumed : octets.count
    }

    /// Has `resume` called in the loop's next turn; not needed while octets are being taken.
    func resumeSoon() {
        guard !isTaking, !isResumeScheduled else { return }
        isResumeScheduled = true
        core.resumeLater(self)
    }

    /// Goes on with what was kept while the taker was not taking.
    func resume() {
        isResumeScheduled = false
        guard stage == .open else { return }
        if case .conversation(let conversation) = taker { conversation.resumed() }
        if !octets.value.backlog.isEmpty {
            var (kept, start) = octets.value.backlog.take()
            core.octetsHeld -= kept.count - start
            let consumed = unsafe kept.withUnsafeMutableBufferPointer { buffer in
                unsafe process(UnsafeMutableBufferPointer(rebasing: buffer[start...]))
            }
            let left = kept.count - start - consumed
            core.octetsHeld += left
            octets.value.backlog.putBack(kept, from: start + consumed)
            if octets.value.backlog.isEmpty, case .exchange(let exchange) = taker {
                exchange.nothingWaits()
            }
        }
        if stage == .open, hasEnded, octets.value.backlog.isEmpty { endOfStream() }
        if let ring = core.ring { updateReceive(ring) }
        scheduleTimer()
    }

    /// Arms or cancels the receive by what is wanted now.
    func updateReceive(_ ring: Ring) {
        let isWanted: Bool
        switch stage {
        case .open: isWanted = !hasEnded && wantsOctets
        case .finishing: isWanted = !hasEnded && lingered <= core.limits.lingerMaxBytes
        case .lingering: isWanted = !hasEnded
        case .releasing, .released: isWanted = false
        }
        let token = OperationToken(.receive, id)
        if isWanted, !isReceiving {
            isReceiving = ring.receive(descriptor.number, token)
            if !isReceiving { lose(.outOfMemory) }
        } else if !isWanted, isReceiving, !isCancellingReceive {
            isCancellingReceive = ring.cancel(descriptor.number, token)
            if !isCancellingReceive { tryAgainSoon() }
        }
    }

    /// There was no memory to queue a cancellation or the close: it is tried again soon.
    private func tryAgainSoon() {
        mustTryAgain = true
        core.schedule(self, at: core.now &+ Self.tryAgainDelay)
    }

    private var wantsOctets: Bool {
        switch taker {
        case .exchange(let exchange): exchange.wantsOctets(kept: octets.value.backlog.count)
        case .conversation(let conversation): !conversation.isPaused && octets.value.backlog.isEmpty
        case .none: false
        }
    }

    private func endOfStream() {
        switch stage {
        case .open:
            // What came before the end is taken first.
            guard octets.value.backlog.isEmpty else { return }
            switch taker {
            case .exchange(let exchange): exchange.endOfStream()
            case .conversation(let conversation): conversation.endOfStream()
            case .none: abort()
            }
        case .lingering:
            abort()
        case .finishing, .releasing, .released:
            break
        }
    }

    private func drop(_ count: Int) {
        lingered += count
        // What is still to be sent goes out first; the client is not read further meanwhile.
        if stage == .lingering, lingered > core.limits.lingerMaxBytes { abort() }
    }

    // MARK: Octets out

    /// Octets queued that the kernel has not taken.
    var octetsQueued: Int { octets.value.sendQueue.count }

    /// Queues `size` octets that `write` fills in; they leave at the end of the turn. False when
    /// there was no memory.
    func queue<Failure: Error>(
        _ size: Int, _ write: (inout OutputSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard stage == .open else { return true }
        guard octets.value.sendQueue.hasRoom(size) || reserve(size) else { return false }
        try octets.value.sendQueue.append(size, write)
        flushSoon()
        return true
    }

    @inline(never) private func reserve(_ size: Int) -> Bool {
        octets.value.sendQueue.reserve(size, from: core.blocks)
    }

    /// As `queue`, for a control frame; ahead of the data that waits, if `goesAhead` and if none
    /// of its kind waits there too.
    func queueControl<Failure: Error>(
        _ size: Int, goesAhead: Bool, _ write: (inout OutputSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        guard goesAhead, stage == .open,
            octets.value.sendQueue.reserveAhead(size, from: core.blocks)
        else {
            guard try queue(size, write) else { return false }
            octets.value.sendQueue.controlIsInLine()
            return true
        }
        try octets.value.sendQueue.appendAhead(size, write)
        flushSoon()
        return true
    }

    /// Drops the oldest data frames queued, at least `octets` of them if there are so many that the
    /// kernel has not been given. Gives how many frames that were.
    func dropOldest(_ octets: Int) -> Int { self.octets.value.sendQueue.dropOldest(octets) }

    /// Brings the loop's figure up to date: once a turn, so that no message pays for it.
    private func countQueue(_ count: Int) {
        core.octetsQueued += count - octetsCounted
        octetsCounted = count
    }

    /// Queues `octets`, copied at once. False when there was no memory.
    func queue(_ octets: [UInt8]) -> Bool {
        queue(octets.count) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                // Safe because `queue` made room for just these octets.
                unsafe octets.withUnsafeBufferPointer { octets in
                    _ = unsafe buffer.update(fromContentsOf: octets)
                }
                count = octets.count
            }
        }
    }

    private func flushSoon() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        core.flushLater(self)
    }

    /// Hands the queue to the kernel, unless a send is in flight: then the rest waits for it.
    func flush(_ ring: Ring) {
        isFlushScheduled = false
        if stage == .open || stage == .finishing { countQueue(octetsQueued) }
        guard !isSending, stage == .open || stage == .finishing else { return }
        guard let next = unsafe octets.value.sendQueue.beginSend(core.blocks) else {
            if stage == .finishing { linger(ring) }
            return
        }
        isSending = unsafe ring.send(descriptor.number, next, OperationToken(.send, id))
        guard isSending else {
            octets.value.sendQueue.endSend(0, core.blocks)
            return lose(.outOfMemory)
        }
        let deadline = core.now &+ core.times.sendStall
        sendDeadline = deadline
        core.schedule(self, at: deadline)
    }

    /// A send completed, whole, in part or not at all.
    func sent(_ result: Int32, _ ring: Ring) {
        isSending = false
        sendDeadline = nil
        octets.value.sendQueue.endSend(
            PlantedBug.ignoresShortSend.isPlanted ? Int(Int32.max) : max(0, Int(result)),
            core.blocks)
        if stage == .releasing { return releaseIfQuiet() }
        if result < 0, !Self.isPassing(result) {
            return lose(.connectionLost(code: -result))
        }
        countQueue(octetsQueued)
        if !octets.value.sendQueue.isEmpty || stage == .finishing { flushSoon() }
        switch taker {
        case .exchange(let exchange): exchange.sendProgressed()
        case .conversation(let conversation): conversation.sendProgressed()
        case .none: break
        }
    }

    // MARK: The end

    /// Sends what is queued, then ends TCP. Nothing more is taken or queued.
    func finish() {
        guard stage == .open else { return }
        stage = .finishing
        dropBacklog()
        flushSoon()
        if let ring = core.ring { updateReceive(ring) }
    }

    private func linger(_ ring: Ring) {
        stage = .lingering
        guard !hasEnded else { return abort() }
        lingered = 0
        guard ring.shutdown(descriptor.number, .write) else { return abort() }
        updateReceive(ring)
        lingerDeadline = core.now &+ core.times.linger
        scheduleTimer()
    }

    /// Ends TCP at once; octets not yet taken by the kernel are dropped.
    func abort() {
        guard stage != .releasing, stage != .released else { return }
        stage = .releasing
        dropBacklog()
        countQueue(0)
        guard let ring = core.ring else { return }
        if isSending {
            // The peer is not taking: what it has not taken must not outlive us.
            descriptor.resetOnClose(ring)
            ring.shutdown(descriptor.number, .both)
            cancelSend(ring)
        }
        updateReceive(ring)
        releaseIfQuiet()
    }

    private func cancelSend(_ ring: Ring) {
        if !ring.cancel(descriptor.number, OperationToken(.send, id)) { tryAgainSoon() }
        if PlantedBug.freesOnCancel.isPlanted {
            octets.value.sendQueue.endSend(0, core.blocks)
            octets.value.sendQueue.removeAll(core.blocks)
        }
    }

    /// The connection failed by itself.
    func lose(_ cause: CloseInfo.Cause) {
        guard stage != .releasing, stage != .released else { return }
        switch taker {
        case .exchange(let exchange): exchange.lost()
        case .conversation(let conversation): conversation.lost(cause)
        case .none: break
        }
        abort()
    }

    private func dropBacklog() {
        core.octetsHeld -= octets.value.backlog.count
        octets.value.backlog.removeAll()
    }

    private func releaseIfQuiet() {
        guard stage == .releasing,
            !isReceiving && !isSending || PlantedBug.closesEarly.isPlanted
        else { return }
        if let ring = core.ring, !ring.close(descriptor.number) { return tryAgainSoon() }
        release()
    }

    private func release() {
        stage = .released
        octets.value.sendQueue.removeAll(core.blocks)
        if let conversation { conversation.connectionReleased() }
        taker = .none
        core.release(self)
    }

    /// Closes the descriptor whatever is in flight; `forceRelease` follows when the backend is gone.
    func forceClose(_ ring: Ring) { ring.closeNow(descriptor.number) }

    /// Gives everything up without a backend to wait for.
    func forceRelease() {
        isReceiving = false
        isSending = false
        stage = .releasing
        releaseIfQuiet()
    }

    // MARK: Time

    func scheduleTimer() {
        guard let deadline = nextDeadline else { return }
        core.schedule(self, at: deadline)
    }

    private var nextDeadline: UInt64? {
        var deadline = sendDeadline ?? UInt64.max
        if let lingerDeadline { deadline = min(deadline, lingerDeadline) }
        if stage == .open {
            let own: UInt64? =
                switch taker {
                case .exchange(let exchange): exchange.nextDeadline
                case .conversation(let conversation): conversation.nextDeadline
                case .none: nil
                }
            if let own { deadline = min(deadline, own) }
        }
        return deadline == UInt64.max ? nil : deadline
    }

    func timerFired() {
        if mustTryAgain, let ring = core.ring {
            mustTryAgain = false
            updateReceive(ring)
            if stage == .releasing, isSending { cancelSend(ring) }
            releaseIfQuiet()
        }
        if let sendDeadline, sendDeadline <= core.now {
            lose(.sendStalled)
        } else if let lingerDeadline, lingerDeadline <= core.now {
            abort()
        } else if stage == .open {
            switch taker {
            case .exchange(let exchange): exchange.timerFired()
            case .conversation(let conversation): conversation.timerFired()
            case .none: break
            }
        }
        scheduleTimer()
    }

    // MARK: Shedding

    /// What it holds of octets that have come and that are to go.
    var octetsHeldInAll: Int {
        octetsQueued + octets.value.backlog.count + (conversation?.octetsGathered ?? 0)
    }

    // MARK: Draining

    /// The conversation, if it is one.
    var conversation: Conversation? {
        if case .conversation(let conversation) = taker { conversation } else { nil }
    }

    /// The server is going away: whatever is idle ends, whatever is under way ends after it.
    func drain() {
        guard stage == .open else { return }
        switch taker {
        case .exchange(let exchange): exchange.drain()
        case .conversation(let conversation): conversation.drain()
        case .none: abort()
        }
    }

    /// The drain's deadline has passed.
    func abandon() {
        switch taker {
        case .exchange(let exchange): exchange.lost()
        case .conversation(let conversation): conversation.abandon()
        case .none: break
        }
        abort()
    }
}

/// The few error numbers that decide something, as Linux has them.
enum Errno {
    static let interrupted: Int32 = 4
    static let again: Int32 = 11
    static let noBuffers: Int32 = 105
    static let cancelled: Int32 = 125
}
