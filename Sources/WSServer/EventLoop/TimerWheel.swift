// SPDX-License-Identifier: Apache-2.0

/// Deadlines of a loop's connections: O(1) to set, no system call, a tick of 33 ms.
///
/// Theory: a connection stands in at most one bucket that counts: the one of its `timerTick`.
/// Moving a deadline later costs nothing: the connection is looked at when its bucket comes, finds
/// that nothing is due and is filed again. Moving it earlier files it a second time; the stale
/// entry is told by its tick and skipped. Deadlines beyond the wheel's horizon (34 s) are filed at
/// the horizon and filed again from there.
struct TimerWheel {
    /// 2^25 ns: every deadline is met up to 33 ms late, never early.
    static let tickShift: UInt64 = 25
    private static let size: UInt64 = 1024

    private var buckets: [[ConnectionID]]
    private var next: UInt64
    /// No bucket from `next` to this one holds anything; where the search for one goes on.
    private var soonest: UInt64 = 0
    private var entries = 0

    init(now: UInt64) {
        buckets = Array(repeating: [], count: Int(Self.size))
        next = (now >> Self.tickShift) &+ 1
    }

    /// Files `connection` so that `fire` looks at it at `deadline` (in nanoseconds of the loop's
    /// clock) or before.
    mutating func schedule(_ connection: Connection, at deadline: UInt64) {
        let exact = (deadline >> Self.tickShift) &+ 1
        let tick = min(max(exact, next), next &+ Self.size &- 1)
        if connection.timerTick != 0, connection.timerTick <= tick { return }
        connection.timerTick = tick
        soonest = min(soonest, tick)
        buckets[Int(tick % Self.size)].append(connection.id)
        entries += 1
    }

    /// Takes the connections whose tick has come.
    mutating func due(now: UInt64) -> [(ConnectionID, tick: UInt64)] {
        let current = now >> Self.tickShift
        guard current >= next else { return [] }
        var found: [(ConnectionID, tick: UInt64)] = []
        if entries == 0 {
            next = current &+ 1
            return found
        }
        // After a long sleep once round is enough: no entry lies further ahead.
        let last = min(current, next &+ Self.size &- 1)
        while next <= last {
            let bucket = Int(next % Self.size)
            if !buckets[bucket].isEmpty {
                for id in buckets[bucket] { found.append((id, next)) }
                entries -= buckets[bucket].count
                buckets[bucket].removeAll(keepingCapacity: buckets[bucket].count < 64)
            }
            next &+= 1
        }
        next = current &+ 1
        return found
    }

    /// When `due` has something to give at the earliest; nil when nothing is filed.
    mutating func nextDeadline() -> UInt64? {
        guard entries > 0 else { return nil }
        soonest = max(soonest, next)
        while buckets[Int(soonest % Self.size)].isEmpty { soonest &+= 1 }
        return soonest << Self.tickShift
    }
}
