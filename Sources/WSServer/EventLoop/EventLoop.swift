// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// One thread, its backend, and the connections that live on it.
///
/// It is a `TaskExecutor`: handlers' tasks prefer it, so they run on this thread between two
/// batches of completions, and what they send in a turn leaves in one submission. It is not an
/// actor's executor: continuations would resume on the global pool first.
///
/// A turn: work from other threads, ready jobs, flush, submit and wait, walk the completions,
/// timers. While the completions are walked nothing of an asynchronous handler runs.
final class EventLoop: TaskExecutor, Sendable {
    let index: Int
    let token: LoopToken
    let inbox: LoopInbox
    let counters = LoopCounters()
    private let jobs: Confined<JobQueue>
    let core: Confined<LoopCore>

    /// A loop whose thread has not started. Throws when there is no memory for its lock.
    init(index: Int, shared: ServerShared, responder: Responder) throws(StartError) {
        guard let inbox = LoopInbox() else { throw StartError(.outOfMemory) }
        self.index = index
        // Any number that is unique among the loops of this process.
        token = LoopToken(word: ServerShared.nextLoopWord())
        self.inbox = inbox
        jobs = Confined(JobQueue(), to: token)
        core = Confined(LoopCore(shared: shared, responder: responder, index: index), to: token)
    }

    var isCurrent: Bool { token.isCurrent }

    /// Runs `work` on the loop, in its next turn; false, and never, once the loop has ended. From
    /// any thread.
    @discardableResult
    func post(_ work: @escaping @Sendable (LoopCore) -> Void) -> Bool { inbox.post(work) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.onLoop.add(job)
        } else if !inbox.post(job) {
            // The loop has ended. What runs elsewhere finds itself off the loop and gives up.
            globalConcurrentExecutor.enqueue(ExecutorJob(job))
        }
    }

    /// Starts the thread. `ready` is called on it once: with the loop's first state, or the error.
    func start(
        _ plan: ListenPlan, ready: @escaping @Sendable (Result<LoopStart, StartError>) -> Void
    ) {
        let boot = LoopBoot(loop: self, plan: plan, ready: ready)
        // Safe because the thread's body takes the reference back exactly once.
        let context = unsafe Unmanaged.passRetained(boot).toOpaque()
        let result = unsafe cring_thread_start(
            { context in
                guard let context = unsafe context else { return }
                let boot = unsafe Unmanaged<LoopBoot>.fromOpaque(context).takeRetainedValue()
                boot.loop.run(boot.plan, ready: boot.ready)
            }, context, "ws-loop-\(index)")
        if result != 0 {
            unsafe Unmanaged<LoopBoot>.fromOpaque(context).release()
            ready(.failure(StartError(.thread(code: -result))))
        }
    }

    private func run(
        _ plan: ListenPlan, ready: @Sendable (Result<LoopStart, StartError>) -> Void
    ) {
        do {
            ready(.success(try begin(plan)))
        } catch {
            ready(.failure(error))
            return
        }
        let core = core.onLoop
        while !core.isFinished { turn(core) }
        end()
    }

    /// Makes the calling thread the loop's own, and listens.
    func begin(_ plan: ListenPlan) throws(StartError) -> LoopStart {
        cring_thread_word_set(token.word)
        let core = core.onLoop
        do {
            return try core.open(self, plan)
        } catch {
            core.close()
            throw error
        }
    }

    /// One turn, on the loop's thread.
    func turn(_ core: LoopCore) {
        let jobs = jobs.onLoop
        let posted = inbox.take()
        for work in posted.work { work(core) }
        jobs.add(contentsOf: posted.jobs)
        let executor = unsafe asUnownedTaskExecutor()
        // A few rounds, so that a chain of wakes ends in one turn; not all, so that a task
        // that yields for ever does not starve the sockets.
        for _ in 0..<4 where jobs.hasReady { unsafe jobs.runReady(on: executor) }
        core.turn { jobs.hasReady }
    }

    /// The loop's end; no turn follows.
    func end() {
        let core = core.onLoop
        let late = inbox.detach()
        for work in late.work { work(core) }
        for job in late.jobs { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        core.close()
    }
}

/// The jobs that are ready to run on a loop: one list fills while the other runs.
private final class JobQueue {
    private let ready = Cell([UnownedJob]())
    private var running: [UnownedJob] = []

    var hasReady: Bool { !ready.value.isEmpty }

    func add(_ job: UnownedJob) { ready.value.append(job) }
    func add(contentsOf jobs: [UnownedJob]) { ready.value.append(contentsOf: jobs) }

    func runReady(on executor: UnownedTaskExecutor) {
        swap(&ready.value, &running)
        for index in running.indices {
            unsafe running[index].runSynchronously(on: executor)
        }
        running.removeAll(keepingCapacity: true)
    }
}

/// What a loop's thread is started with.
private final class LoopBoot: Sendable {
    let loop: EventLoop
    let plan: ListenPlan
    let ready: @Sendable (Result<LoopStart, StartError>) -> Void

    init(
        loop: EventLoop, plan: ListenPlan,
        ready: @escaping @Sendable (Result<LoopStart, StartError>) -> Void
    ) {
        self.loop = loop
        self.plan = plan
        self.ready = ready
    }
}
