// SPDX-License-Identifier: Apache-2.0

/// What became of the connections when a server shut down.
public struct ShutdownReport: Sendable, Hashable, CustomStringConvertible {
    /// Sockets whose closing handshake was completed.
    public var closedCleanly = 0
    /// Sockets whose peer did not answer our Close in time.
    public var timedOut = 0
    /// Sockets lost without a closing handshake while the shutdown went on.
    public var lost = 0
    /// Sockets cut off at the deadline.
    public var aborted = 0
    /// Connections that were not upgraded: ended after the reply under way, if any.
    public var requests = 0
    /// Handlers that had not returned by the end. Their tasks were cancelled; the threads of their
    /// loops go on until they do return.
    public var handlersLeft = 0

    mutating func add(_ loop: LoopDrainReport) {
        closedCleanly += loop.closedCleanly
        timedOut += loop.timedOut
        lost += loop.lost
        aborted += loop.aborted
        requests += loop.requests
        handlersLeft += loop.handlersLeft
    }

    /// All counts in one line.
    public var description: String {
        "closed cleanly \(closedCleanly), timed out \(timedOut), lost \(lost), "
            + "aborted \(aborted), requests \(requests), handlers left \(handlersLeft)"
    }
}
