// SPDX-License-Identifier: Apache-2.0
internal import CRing
#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif
internal import Logging
internal import Synchronization
internal import WSCodec

/// Everything a loop's thread owns: the backend, the listening socket, the connections, the time.
final class LoopCore {
    let shared: ServerShared
    /// The program's routes. None once the loop has ended: whoever keeps a socket keeps its loop,
    /// and would keep what the routes captured, perhaps the very list that the socket is in.
    private(set) var responder: Responder
    let index: Int
    private(set) var loop: EventLoop?
    private var backend: Ring?
    private let connections = Cell(ConnectionTable())
    private let wheel = Cell(TimerWheel(now: 0))
    private var listener: Listener?

    /// The loop's clock in nanoseconds: read once a turn, so it stands still within one.
    private(set) var now: UInt64 = 0
    let date = DateCache()
    let blocks = BlockPool()
    let inboxPlaces = InboxPlaces()
    let endpointScratch = EndpointScratch()
    let compressionPool: CompressionPool

    // Connections with something to do at the end of this turn.
    private let toFlush = Cell(Worklist<Connection>())
    private let toResume = Cell(Worklist<Connection>())
    private let starved = Cell(Worklist<Connection>())

    // The networks of connections, where an address may have so many only.
    private var networks: [ConnectionID: UInt64] = [:]

    // Conversations whose handlers go on without their connections, to be cancelled at the end.
    private var outlived: [ObjectIdentifier: Conversation] = [:]

    // Callback handlers to be told of the end, when none of them is running.
    private let toNotify = Cell(Worklist<Conversation>())

    private(set) var isDraining = false
    private var isEnding = false
    private var drain = DrainState()
    /// The code with which draining closes.
    private(set) var drainCode = CloseCode.goingAway

    /// When the log was told last that there is a lack of something.
    private var warnedAt: UInt64?
    private static let warningInterval: UInt64 = 10_000_000_000

    // Counts behind `Statistics`.
    var octetsQueued = 0
    var octetsHeld = 0
    var octetsGathered = 0
    /// What the budget has been told of all these.
    private var octetsTold = 0
    var webSockets = 0
    var handlersRunning = 0
    var descriptors = 0

    init(shared: ServerShared, responder: Responder, index: Int) {
        self.shared = shared
        self.responder = responder
        self.index = index
        compressionPool = CompressionPool(budget: shared.configuration.compressionBudget)
    }

    var limits: ServerLimits { shared.configuration.limits }
    var times: TimeLimits { shared.times }

    // MARK: Beginning and end

    /// Opens the backend and the listening socket. On the loop's own thread.
    func open(_ loop: EventLoop, _ plan: ListenPlan) throws(StartError) -> LoopStart {
        self.loop = loop
        var refusal: Ring.Failure?
        var options = shared.configuration.backendOptions
        if options.completionEntries == 0 {
            options.completionEntries = shared.completionEntriesPerLoop
        }
        let ring: Ring
        do {
            ring = try Ring(kind: plan.kind, options: options, refusal: &refusal)
        } catch {
            throw StartError(.backend(code: error.code, step: error.step, forced: plan.isForced))
        }
        backend = ring
        now = ring.now
        wheel.value = TimerWheel(now: now)
        loop.inbox.attach(ring)
        let listener = try Listener(plan, ring)
        descriptors += 1
        self.listener = listener
        listener.arm(ring, now)
        return LoopStart(
            port: listener.port, kind: ring.kind, features: ring.featureNames, refusal: refusal)
    }

    /// True when the thread may end: told to, everything closed, every handler out or told.
    var isFinished: Bool {
        isEnding && connections.value.count == 0 && handlersRunning == 0 && toNotify.value.isEmpty
    }

    func close() {
        stopWatchingSignals()
        listener?.close(backend)
        listener = nil
        backend = nil
        blocks.removeAll()
        shared.configuration.memoryBudget.add(-octetsTold)
        octetsTold = 0
        publish()
        ended.take()?()
        // Ends the cycle of the loop and what its thread owns.
        loop = nil
        responder = Responder(Router())
    }

    // MARK: One turn

    /// Waits for completions unless `hasJobs` says, just before that, that tasks are ready: what is
    /// resumed here may wake some.
    func turn(hasJobs: () -> Bool) {
        guard let ring = backend else {
            // Only handlers are left, on a loop whose backend failed.
            usleep(1000)
            return
        }
        if signalled != nil, cring_signals_taken() > 0 { signalled.take()?() }
        toResume.drain { $0.resume() }
        // A handler's end, seen between two turns, may be what the drain waits for.
        if isDraining { continueDraining() }
        notifyAll()
        flushAll(ring)
        keepWithinMemory(ring)
        let count: Int
        do {
            let timeout =
                hasJobs() || isFinished || !toResume.value.isEmpty || !toNotify.value.isEmpty
                ? 0 : timeUntilNextDeadline(ring)
            publish()
            count = try ring.wait(timeout)
        } catch {
            // Nothing of this kernel works any more for this loop; its connections are lost.
            shared.log.error("event loop \(index): \(error.step) failed with errno \(error.code)")
            loseAll()
            return
        }
        now = ring.now
        let seen = PlantedBug.losesCompletions.isPlanted ? min(count, 3) : count
        for index in 0..<seen { complete(ring.completion(index), ring) }
        notifyAll()
        starved.drain { $0.updateReceive(ring) }
        fireTimers(ring)
    }

    private func timeUntilNextDeadline(_ ring: Ring) -> Int64 {
        var deadline = wheel.value.nextDeadline() ?? UInt64.max
        if let retry = listener?.retryAt { deadline = min(deadline, retry) }
        if let step = drain.nextStep { deadline = min(deadline, step) }
        guard deadline != UInt64.max else { return -1 }
        let current = ring.now
        return deadline > current ? Int64(clamping: deadline - current) : 0
    }

    private func complete(_ completion: Completion, _ ring: Ring) {
        let token = completion.token
        switch token.operation {
        case .accept:
            accepted(completion, ring)
        case .receive:
            if PlantedBug.recyclesEarly.isPlanted, let buffer = completion.buffer {
                ring.recycle(buffer)
            }
            connections.value[token.connection]?.received(completion, ring)
            if PlantedBug.recyclesEarly.isPlanted { return }
            if let buffer = completion.buffer { ring.recycle(buffer) }
        case .send:
            connections.value[token.connection]?.sent(completion.result, ring)
        case nil:
            break
        }
    }

    /// What the process can see of this loop; once a turn, so that no message pays for it.
    private func publish() {
        guard let counters = loop?.counters else { return }
        counters.connections.store(connections.value.count, ordering: .relaxed)
        counters.slots.store(connections.value.count, ordering: .relaxed)
        counters.webSockets.store(webSockets, ordering: .relaxed)
        counters.buffersOut.store(backend?.buffersOut ?? 0, ordering: .relaxed)
        counters.descriptors.store(descriptors, ordering: .relaxed)
        counters.octetsQueued.store(octetsQueued, ordering: .relaxed)
        counters.octetsHeld.store(octetsHeld, ordering: .relaxed)
        counters.octetsGathered.store(octetsGathered, ordering: .relaxed)
        counters.compressionBytes.store(compressionPool.usedBytes, ordering: .relaxed)
        counters.handlers.store(handlersRunning, ordering: .relaxed)
    }

    // MARK: Memory

    private static let tellsFrom = 1 << 16

    /// Tells the budget what is held here, and sheds what is too much of it.
    private func keepWithinMemory(_ ring: Ring) {
        let held = octetsQueued + octetsHeld + octetsGathered
        let budget = shared.configuration.memoryBudget
        if abs(held - octetsTold) >= Self.tellsFrom {
            budget.add(held - octetsTold)
            octetsTold = held
        }
        // What has not been told is too little to be looked for.
        guard octetsTold > 0 else { return }
        let excess = budget.excess(ofShare: octetsTold)
        if excess > 0 { shed(excess, ring) }
    }

    /// Closes sockets that hold so many octets together, the largest first.
    @inline(never) private func shed(_ excess: Int, _ ring: Ring) {
        let holders = connections.value.all.compactMap { connection in
            connection.conversation.map { (held: connection.octetsHeldInAll, conversation: $0) }
        }
        var left = excess
        for holder in holders.sorted(by: { $0.held > $1.held }) where left > 0 && holder.held > 0 {
            left -= holder.held
            holder.conversation.shed()
        }
        warn(
            "the memory budget of \(shared.configuration.memoryBudget.limitBytes) octets for "
                + "sockets is exceeded: the largest are closed with 1013")
        flushAll(ring)
        let held = octetsQueued + octetsHeld + octetsGathered
        shared.configuration.memoryBudget.add(held - octetsTold)
        octetsTold = held
    }

    // MARK: What connections ask for

    func flushLater(_ connection: Connection) { toFlush.value.add(connection) }

    func resumeLater(_ connection: Connection) { toResume.value.add(connection) }

    func notifyLater(_ conversation: Conversation) { toNotify.value.add(conversation) }

    /// Starts a task on this loop for something that lives on it.
    func startTask<Object: AnyObject>(
        _ object: Object, _ body: @escaping @concurrent @Sendable (Confined<Object>) async -> Void
    ) -> Task<Void, any Error>? {
        guard let loop else { return nil }
        let (object, core) = (Confined(object, to: loop.token), Confined(self, to: loop.token))
        handlersRunning += 1
        // A throwing closure type: the other kind costs a thunk object per task.
        return Task(executorPreference: loop) { () async throws -> Void in
            await body(object)
            core.onLoop.handlersRunning -= 1
        }
    }

    func handlerOutlivedConnection(_ conversation: Conversation) {
        outlived[ObjectIdentifier(conversation)] = conversation
        if drain.isAbandoned { conversation.cancelHandler() }
    }

    func handlerFoundItsEnd(_ conversation: Conversation) {
        if !outlived.isEmpty { outlived[ObjectIdentifier(conversation)] = nil }
    }

    /// Counts how conversations end while the server drains.
    func noteEnd(_ info: CloseInfo) { if isDraining { drain.note(info) } }

    /// Its receive ended for want of a buffer; it is armed again, first come first served, when
    /// this turn's buffers are back.
    func rearmLater(_ connection: Connection) { starved.value.add(connection) }

    func schedule(_ connection: Connection, at deadline: UInt64) {
        wheel.value.schedule(connection, at: deadline)
    }

    /// Arms what a connection waits for when this happens outside the walk of completions.
    var ring: Ring? { backend }

    func release(_ connection: Connection) {
        descriptors -= 1
        connections.value.remove(connection.id)
        if let counts = shared.addressCounts,
            let network = networks.removeValue(forKey: connection.id)
        {
            counts.give(network)
        }
    }

    private func flushAll(_ ring: Ring) {
        // A flush may fail and close its connection, which may queue another flush.
        while !toFlush.value.isEmpty { toFlush.drain { $0.flush(ring) } }
    }

    private func notifyAll() {
        while !toNotify.value.isEmpty { toNotify.drain { $0.notifyEnd() } }
    }

    private func fireTimers(_ ring: Ring) {
        for (id, tick) in wheel.value.due(now: now) {
            guard let connection = connections.value[id], connection.timerTick == tick else {
                continue
            }
            connection.timerTick = 0
            connection.timerFired()
        }
        if let retry = listener?.retryAt, retry <= now { listener?.arm(ring, now) }
        if isDraining { continueDraining() }
    }

    private func loseAll() {
        for connection in connections.value.all { connection.lose(.connectionLost(code: 0)) }
        if let backend {
            for connection in connections.value.all { connection.forceClose(backend) }
        }
        backend = nil
        isEnding = true
        for connection in connections.value.all { connection.forceRelease() }
    }

    // MARK: Accepting

    private func accepted(_ completion: Completion, _ ring: Ring) {
        guard let listener else {
            // Accepted while the listener was being stopped.
            if completion.result >= 0 { admit(completion.result, ring) }
            return
        }
        if completion.result >= 0 { admit(completion.result, ring) }
        if !completion.hasMore {
            listener.ended(completion.result, ring, now)
            if listener.retryAt != nil {
                warn(
                    "connections are turned away: \(StartError.cause(-completion.result, "accept"))"
                )
            }
            if listener.retryAt == nil, !isDraining { listener.arm(ring, now) }
        }
    }

    /// Warns of a lack of something, now and then.
    private func warn(_ text: @autoclosure () -> String) {
        if let last = warnedAt, now &- last < Self.warningInterval { return }
        warnedAt = now
        shared.log.warning("\(text())")
    }

    private func admit(_ descriptor: Int32, _ ring: Ring) {
        let network =
            shared.addressCounts == nil
            ? nil : Descriptor(number: descriptor).peerNetwork(ring)
        guard shared.connectionsAllowedPerLoop > connections.value.count,
            network.map({ shared.addressCounts?.take($0) ?? true }) ?? true
        else { return Listener.refuse(descriptor, ring) }
        guard
            let connection = connections.value.insert({
                Connection(id: $0, Descriptor(number: descriptor), self)
            })
        else {
            if let network { shared.addressCounts?.give(network) }
            return Listener.refuse(descriptor, ring)
        }
        if let network { networks[connection.id] = network }
        descriptors += 1
        connection.begin(ring)
        // Accepted by the kernel while the listener was being stopped.
        if isDraining, listener == nil { connection.drain() }
    }

    // MARK: Draining

    /// Stops accepting, closes everything, and reports.
    func beginDraining(_ plan: DrainPlan) {
        guard !isDraining, let ring = backend else { return plan.report(LoopDrainReport()) }
        isDraining = true
        // The backlog's clients are connected already, as far as they know: they get an answer.
        if let listener {
            listener.stop(ring)
            while let descriptor = listener.acceptNow(ring) { admit(descriptor, ring) }
            listener.closeInTurn(ring)
            descriptors -= 1
            self.listener = nil
        }
        now = ring.now
        drainCode = plan.closeCode
        let connections = connections.value.all
        drain.begin(plan, connections, now: now, ring)
        // After that, as what a handler does now may end its connection.
        for connection in connections { connection.conversation?.notifyDraining() }
        continueDraining()
    }

    private func continueDraining() {
        let wasAbandoned = drain.isAbandoned
        let (drained, abandoned) = drain.due(now: now, connections.value)
        for connection in drained { connection.drain() }
        for connection in abandoned { connection.abandon() }
        if drain.isAbandoned, !wasAbandoned {
            for conversation in Array(outlived.values) { conversation.cancelHandler() }
        }
        let report = drain.finishIfOver(
            now: now, connectionsLeft: connections.value.count, handlersRunning)
        guard let report else { return }
        // Whoever reads the report may look at the statistics next, or at the signals.
        publish()
        stopWatchingSignals()
        report()
    }

    // MARK: What the server waits for

    private var signalled: (() -> Void)?
    private var isWatchingSignals = false
    private var ended: (() -> Void)?

    /// Calls back at the first SIGTERM or SIGINT. For one loop of the process.
    func watchSignals(_ body: @escaping () -> Void) {
        guard let ring = backend, unsafe cring_signals_begin(ring.pointer) == 0 else { return }
        signalled = body
        isWatchingSignals = true
    }

    private func stopWatchingSignals() {
        if isWatchingSignals { cring_signals_end() }
        isWatchingSignals = false
        signalled = nil
    }

    /// Calls back when the loop's thread ends.
    func onEnd(_ body: @escaping () -> Void) { ended = body }

    /// The server's last word: the thread ends when nothing is left on it.
    func end() { isEnding = true }
}
