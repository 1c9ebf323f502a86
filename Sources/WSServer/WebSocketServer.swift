// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import Synchronization

/// An HTTP/1.1 server whose routes may upgrade to WebSocket.
///
/// ```swift
/// var router = Router()
/// router.get("/echo") { _ in
///     .upgrade { socket in
///         for try await message in socket { try await socket.send(message) }
///     }
/// }
/// let report = try await WebSocketServer(router: router, configuration: .init(port: 9001)).run()
/// ```
///
/// Each value serves once: start, serve, shut down.
public final class WebSocketServer: Sendable {
    private let shared: ServerShared
    private let responder: Responder
    private let state = Mutex(State())
    /// What `run` waits for.
    private let stop = StopSignal()

    private struct State {
        var loops: [EventLoop] = []
        var isStarted = false
        var shutdown: Task<ShutdownReport, Never>?
    }

    /// A server that does not listen yet.
    public init(router: Router, configuration: Configuration = Configuration()) {
        shared = ServerShared(configuration)
        responder = Responder(router) { [log = configuration.log] error, request in
            log.error("\(request.method.rawValue) \(request.path): \(error)")
        }
    }

    // MARK: Start

    /// Opens the loops and listens; returns when connections are accepted.
    ///
    /// - Throws: ``StartError``, with cause and cure. Nothing is left open then.
    @discardableResult
    public func start() async throws(StartError) -> ListeningAddress {
        try await start(handlesSignals: false)
    }

    private func start(handlesSignals: Bool) async throws(StartError) -> ListeningAddress {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted && state.shutdown == nil
        }
        guard isFirst else { throw StartError(.alreadyStarted) }
        let configuration = shared.configuration
        if let mistake = configuration.limits.mistake { throw StartError(.limits(mistake)) }
        guard configuration.shutdownCloseCode.isSendable else {
            let code = configuration.shutdownCloseCode.rawValue
            throw StartError(.limits("shutdownCloseCode is \(code), which may not be sent"))
        }
        var loops: [EventLoop] = []
        var port = configuration.port
        var kind = configuration.backend
        do throws(StartError) {
            for index in 0..<configuration.threads {
                let loop = try EventLoop(index: index, shared: shared, responder: responder)
                let plan = ListenPlan(
                    host: configuration.host, port: port, backlog: configuration.limits.backlog,
                    shares: index > 0, kind: kind, isForced: configuration.backend == .ioUring)
                let start = try await Self.start(loop, plan)
                loops.append(loop)
                if index == 0 {
                    // The others follow the first: one choice, one warning.
                    port = start.port
                    kind = start.kind
                    report(start)
                }
            }
        } catch {
            for loop in loops { Self.end(loop) }
            throw error
        }
        state.withLock { $0.loops = loops }
        // Before anybody is told that we listen, and may end us.
        if handlesSignals { await watchSignals() }
        let address = ListeningAddress(
            host: configuration.host, port: port, backend: kind)
        configuration.onListening?(address)
        return address
    }

    private static func start(
        _ loop: EventLoop, _ plan: ListenPlan
    ) async throws(StartError) -> LoopStart {
        let result = await withCheckedContinuation { continuation in
            loop.start(plan) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    private func report(_ start: LoopStart) {
        if let refusal = start.refusal {
            shared.log.warning(
                "io_uring is not used, epoll serves instead: \(StartError.cause(refusal.code, refusal.step))"
            )
        }
        shared.log.debug(
            "backend \(start.kind.rawValue), features: \(start.features.joined(separator: " "))"
        )
    }

    // MARK: Serve

    /// Starts if need be, serves until told to stop, and shuts down.
    ///
    /// Told by ``shutdown(deadline:)``, by cancelling the calling task, or, with
    /// ``Configuration/handlesSignals``, by SIGTERM or SIGINT.
    ///
    /// - Throws: ``StartError``.
    public func run() async throws(StartError) -> ShutdownReport {
        let handlesSignals = shared.configuration.handlesSignals
        if !state.withLock({ $0.isStarted }) {
            _ = try await start(handlesSignals: handlesSignals)
        } else if handlesSignals {
            await watchSignals()
        }
        let stop = stop
        let first = state.withLock { $0.loops.first }
        first?.post { core in core.onEnd { stop.fire() } }
        await withTaskCancellationHandler {
            await stop.wait()
        } onCancel: {
            stop.fire()
        }
        return await shutdown()
    }

    /// Returns when signals are watched: whoever sends one from then on does not kill the process.
    private func watchSignals() async {
        guard let first = state.withLock({ $0.loops.first }) else { return }
        await withCheckedContinuation { continuation in
            first.post { [stop] core in
                core.watchSignals { stop.fire() }
                continuation.resume()
            }
        }
    }

    /// Shuts down: nothing more is accepted, upgrades under way get 503, handlers are told; after
    /// ``Configuration/shutdownNotice`` sockets get ``Configuration/shutdownCloseCode``, spread over
    /// ``Configuration/shutdownJitter``, and what is left at `deadline` is cut off.
    ///
    /// Returns when every connection is gone; at the latest a second after the deadline. Later
    /// calls wait for the first and get its report.
    ///
    /// - Parameter deadline: instead of ``Configuration/shutdownDeadline``.
    @discardableResult
    public func shutdown(deadline: Duration? = nil) async -> ShutdownReport {
        let task = state.withLock { state in
            if let running = state.shutdown { return running }
            let loops = state.loops
            let configuration = shared.configuration
            let task = Task.detached {
                await Self.drain(
                    loops, deadline: deadline ?? configuration.shutdownDeadline, configuration)
            }
            state.shutdown = task
            return task
        }
        stop.fire()
        return await task.value
    }

    private static func drain(
        _ loops: [EventLoop], deadline: Duration, _ configuration: Configuration
    ) async -> ShutdownReport {
        var total = ShutdownReport()
        // All at once: each loop has the whole deadline.
        await withTaskGroup(of: LoopDrainReport.self) { group in
            for loop in loops {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let plan = DrainPlan(
                            deadline: deadline.wholeNanoseconds,
                            notice: configuration.shutdownNotice.wholeNanoseconds,
                            jitter: configuration.shutdownJitter.wholeNanoseconds,
                            closeCode: configuration.shutdownCloseCode
                        ) { continuation.resume(returning: $0) }
                        let isPosted = loop.post { core in core.beginDraining(plan) }
                        if !isPosted { plan.report(LoopDrainReport()) }
                    }
                }
            }
            for await report in group { total.add(report) }
        }
        for loop in loops { end(loop) }
        return total
    }

    private static func end(_ loop: EventLoop) { loop.post { core in core.end() } }

    // MARK: Observe

    /// What the server holds at the moment. From any thread; costs a few loads a loop.
    public var statistics: Statistics {
        var total = Statistics()
        for loop in state.withLock({ $0.loops }) {
            total.add(loop.counters)
        }
        return total
    }
}
