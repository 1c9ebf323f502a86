// SPDX-License-Identifier: Apache-2.0

/// A task that waits for its loop. The only place that holds a continuation.
///
/// An unchecked continuation, because a checked one costs an allocation per suspension. Whoever
/// stores a `Parked` takes it out exactly once to wake it; spurious wakes are allowed, so waiters
/// look again.
@safe struct Parked: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) {
        unsafe self.continuation = continuation
    }

    /// Lets the task go on. It runs in the loop's next round of jobs, never from inside this call.
    consuming func wake() {
        // Safe because a `Parked` is resumed only by whoever took it out of its one place.
        unsafe continuation.resume()
    }

    /// Suspends the caller's task; `store` keeps the `Parked` where the waker finds it.
    nonisolated(nonsending) static func park(_ store: (Parked) -> Void) async {
        // Safe because `store` puts the continuation where it is taken out once.
        await unsafe withUnsafeContinuation { unsafe store(Parked($0)) }
    }
}
