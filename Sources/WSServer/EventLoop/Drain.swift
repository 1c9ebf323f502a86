// SPDX-License-Identifier: Apache-2.0
internal import WSCodec

/// How one loop is to be drained. Times in nanoseconds, counted from the beginning.
struct DrainPlan: Sendable {
    /// When whatever is left is ended.
    let deadline: UInt64
    /// How long handlers have before the first Close.
    let notice: UInt64
    /// Over how long the Close frames are spread, at the most.
    let jitter: UInt64
    /// The code of the Close frames.
    let closeCode: CloseCode
    /// Called once on the loop, when nothing is left.
    let report: @Sendable (LoopDrainReport) -> Void
}

/// What became of one loop's connections.
struct LoopDrainReport: Sendable {
    var closedCleanly = 0
    var timedOut = 0
    var lost = 0
    var aborted = 0
    var requests = 0
    var handlersLeft = 0
}

/// A loop's way from the first Close to the last descriptor.
///
/// Idle requests end at once and requests under way after their reply; sockets get a Close at a moment
/// of their own within the jitter, so that their clients do not come back all at once elsewhere.
struct DrainState {
    private var plan: DrainPlan?
    private var deadline: UInt64 = 0
    /// Whether the deadline has passed and what was left has been ended.
    private(set) var isAbandoned = false
    // Latest first.
    private var closing: [(at: UInt64, id: ConnectionID)] = []
    private var report = LoopDrainReport()

    /// How long connections may take to go away once they were ended: their last operations
    /// complete within a turn or two.
    private static let grace: UInt64 = 1_000_000_000

    mutating func begin(
        _ plan: DrainPlan, _ connections: [Connection], now: UInt64,
        _ generator: some RandomNumberGenerator
    ) {
        var generator = generator
        self.plan = plan
        deadline = now &+ plan.deadline
        // Half of the time is left for the closing handshakes. A millisecond for each socket is
        // spread enough for few of them.
        let notice = min(plan.notice, plan.deadline / 2)
        let jitter = min(
            plan.jitter, UInt64(connections.count) &* 1_000_000, plan.deadline / 2 - notice)
        for connection in connections {
            if connection.conversation == nil {
                report.requests += 1
                connection.drain()
            } else {
                let moment = notice &+ UInt64.random(in: 0...jitter, using: &generator)
                closing.append((now &+ moment, connection.id))
            }
        }
        closing.sort { $0.at > $1.at }
    }

    mutating func note(_ info: CloseInfo) {
        if info.isClean {
            report.closedCleanly += 1
        } else if info.cause == .closeTimeout {
            report.timedOut += 1
        } else if isAbandoned {
            report.aborted += 1
        } else {
            report.lost += 1
        }
    }

    /// When there is something to do next.
    var nextStep: UInt64? {
        guard plan != nil else { return nil }
        if isAbandoned { return deadline &+ Self.grace }
        return min(closing.last?.at ?? deadline, deadline)
    }

    /// Closes those whose moment has come, and everything at the deadline.
    ///
    /// Gives the connections to act on, because acting on them comes back to `note`.
    mutating func due(now: UInt64, _ connections: ConnectionTable) -> (
        drained: [Connection], abandoned: [Connection]
    ) {
        guard plan != nil else { return ([], []) }
        var drained: [Connection] = []
        while let next = closing.last, next.at <= now {
            closing.removeLast()
            if let connection = connections[next.id] { drained.append(connection) }
        }
        guard deadline <= now, !isAbandoned else { return (drained, []) }
        isAbandoned = true
        return (drained, connections.all)
    }

    /// The report, once, when nothing is left or nothing more will go.
    mutating func finishIfOver(now: UInt64, connectionsLeft: Int, _ handlersRunning: Int) -> (
        @Sendable () -> Void
    )? {
        guard let plan else { return nil }
        let isOver = connectionsLeft == 0 && handlersRunning == 0
        guard isOver || isAbandoned && deadline &+ Self.grace <= now else { return nil }
        self.plan = nil
        report.handlersLeft = handlersRunning
        let final = report
        return { plan.report(final) }
    }
}
