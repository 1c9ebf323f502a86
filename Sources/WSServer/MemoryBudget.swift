// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What sockets may hold together: messages that are being received or wait for their handlers, and
/// octets that wait to be sent.
///
/// The limits of one socket bound what one client can do; this bounds what all of them can. From
/// seven eighths on, handshakes get 503. Above the limit those that hold most are closed with 1013
/// and give up what they hold, until the rest is within it.
///
/// Each loop looks once a turn, so that no message pays for it, and tells of changes from 64 KiB
/// on: within a turn the limit may be exceeded by what a turn brings. Memory of the program's own,
/// such as messages its handlers have taken, is not counted; compression contexts have their own
/// budget, `CompressionBudget`.
public final class MemoryBudget: Sendable {
    /// The octets that may be held.
    public let limitBytes: Int
    private let held = Atomic(0)

    /// A budget of `limitBytes` octets.
    public init(limitBytes: Int) { self.limitBytes = max(0, limitBytes) }

    /// The budget of 1 GiB that all servers of a process share unless they are told otherwise.
    public static let process = MemoryBudget(limitBytes: 1 << 30)

    /// The octets held at the moment, as far as the loops have told.
    public var heldBytes: Int { held.load(ordering: .relaxed) }

    func add(_ change: Int) { held.add(change, ordering: .relaxed) }

    /// Whether nobody should be let in any more.
    var isNearlyFull: Bool { heldBytes >= limitBytes - limitBytes / 8 }

    /// What is too much of the `share` that one loop holds: of the excess, the same part.
    func excess(ofShare share: Int) -> Int {
        let held = heldBytes
        guard held > limitBytes, share > 0 else { return 0 }
        let part = Double(share) / Double(max(share, held))
        return min(share, Int((Double(held - limitBytes) * part).rounded(.up)))
    }
}
