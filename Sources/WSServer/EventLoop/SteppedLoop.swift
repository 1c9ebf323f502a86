// SPDX-License-Identifier: Apache-2.0

/// A server of one loop without a thread of its own: whoever made it turns it, on the thread it was
/// made on. For tests that stand in for the kernel and for time (`BackendOptions.opening`).
package final class SteppedLoop {
    private let loop: EventLoop
    private let core: LoopCore

    /// Opens the backend and listens.
    package init(
        _ router: Router, _ configuration: WebSocketServer.Configuration
    ) throws(StartError) {
        if let mistake = configuration.limits.mistake { throw StartError(.limits(mistake)) }
        loop = try EventLoop(
            index: 0, shared: ServerShared(configuration), responder: Responder(router))
        _ = try loop.begin(
            ListenPlan(
                host: configuration.host, port: configuration.port,
                backlog: configuration.limits.backlog, shares: false, kind: configuration.backend,
                isForced: true))
        core = loop.core.onLoop
    }

    /// One turn: what is ready, one submission, one wait, its completions, timers.
    package func turn() { loop.turn(core) }

    /// Whether the last turn has been: drained, every connection closed, every handler out.
    package var isFinished: Bool { core.isFinished }

    /// Shuts down as `WebSocketServer.shutdown` does; `report` is called from a turn.
    package func drain(
        deadline: Duration, notice: Duration, jitter: Duration,
        report: @escaping @Sendable (ShutdownReport) -> Void
    ) {
        let core = loop.core
        core.onLoop.beginDraining(
            DrainPlan(
                deadline: deadline.wholeNanoseconds, notice: notice.wholeNanoseconds,
                jitter: jitter.wholeNanoseconds, closeCode: .goingAway
            ) {
                var total = ShutdownReport()
                total.add($0)
                report(total)
                core.onLoop.end()
            })
    }

    /// Closes everything. No turn follows.
    package func end() { loop.end() }

    /// What the loop held when it waited last.
    package var statistics: Statistics {
        var statistics = Statistics()
        statistics.add(loop.counters)
        return statistics
    }

    /// Whether it held nothing at all then.
    package var heldNothing: Bool { statistics == Statistics() }
}
