// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Tells on standard error how far a long run is.
struct Progress {
    /// Nanoseconds between two lines.
    let interval: UInt64 = 2_000_000_000
    private let what: String

    /// `what` is counted: messages, say. Nil where nobody watches or the run is short.
    init?(_ what: String, seconds: Double, isWanted: Bool) {
        guard seconds > 5, isWanted || Self.isAtTerminal else { return nil }
        self.what = what
    }

    /// Whether somebody watches standard error.
    static var isAtTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    func tell(elapsed: UInt64, of all: UInt64, perSecond: Double) {
        printError(
            "\(fixed(Double(elapsed) / 1e9, 1)) of \(fixed(Double(all) / 1e9, 1)) s: "
                + "\(grouped(perSecond)) \(what)/s")
    }
}
