// SPDX-License-Identifier: Apache-2.0
#if PLANTED_BUGS
    internal import Synchronization
#endif

/// Mistakes that a server on io_uring may well have, to see that the simulator finds each of them.
/// Only a build with `PLANTED_BUGS` can make one; in any other they cost nothing.
package enum PlantedBug: Int, CaseIterable {
    /// Takes an operation that has ended for one that is still armed.
    case ignoresEnd
    /// Gives a receive buffer back before its octets have been taken.
    case recyclesEarly
    /// Closes a descriptor before the last completion of its operations.
    case closesEarly
    /// Takes a send in part for a whole one.
    case ignoresShortSend
    /// Frees what is being sent when it asks for the cancellation.
    case freesOnCancel
    /// Does not arm a receive again that found no buffer.
    case staysStarved
    /// Loses completions when there are many at once.
    case losesCompletions
    /// Takes an interruption for the end.
    case endsOnInterrupt
    /// Gives a slot out again under the same generation.
    case reusesGeneration
    /// Waits for ever for the answer to its Close.
    case forgetsCloseTimer

    #if PLANTED_BUGS
        private static let planted = Atomic<Int>(-1)

        /// Makes this mistake from now on.
        package func plant() { Self.planted.store(rawValue, ordering: .relaxed) }

        var isPlanted: Bool { Self.planted.load(ordering: .relaxed) == rawValue }
    #else
        @inline(__always) var isPlanted: Bool { false }
    #endif
}
