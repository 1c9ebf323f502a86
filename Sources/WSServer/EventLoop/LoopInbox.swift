// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// What other threads leave for a loop: jobs of tasks, and work to do on it.
///
/// The queue is guarded by a C lock (the thread sanitizer misreads `Synchronization.Mutex` on
/// Linux). `signalled` makes a burst of posts cost one wake of the loop: one system call.
@safe final class LoopInbox: @unchecked Sendable {
    struct Contents {
        var jobs: [UnownedJob] = []
        var work: [@Sendable (LoopCore) -> Void] = []
    }

    private let lock: OpaquePointer
    private var contents = Contents()
    private var signalled = false
    private var ended = false
    private var ring: OpaquePointer?

    init?() {
        guard let lock = unsafe cring_lock_new() else { return nil }
        unsafe self.lock = lock
    }

    deinit { unsafe cring_lock_free(lock) }

    /// False when the loop has ended and the job was not taken.
    func post(_ job: UnownedJob) -> Bool { add { $0.jobs.append(job) } }

    /// False when the loop has ended and the work was not taken.
    func post(_ work: @escaping @Sendable (LoopCore) -> Void) -> Bool {
        add { $0.work.append(work) }
    }

    private func add(_ store: (inout Contents) -> Void) -> Bool {
        unsafe cring_lock_acquire(lock)
        defer { unsafe cring_lock_release(lock) }
        guard !ended else { return false }
        store(&contents)
        // Woken under the lock, so that the ring cannot be freed between the test and the wake.
        if !signalled {
            signalled = true
            // Safe because `detach` clears the pointer under the lock before the ring is freed.
            if let ring = unsafe ring { unsafe cring_wake(ring) }
        }
        return true
    }

    /// Takes everything; the next post wakes the loop again.
    func take() -> Contents {
        unsafe cring_lock_acquire(lock)
        defer { unsafe cring_lock_release(lock) }
        signalled = false
        guard !contents.jobs.isEmpty || !contents.work.isEmpty else { return Contents() }
        let taken = contents
        contents = Contents()
        return taken
    }

    /// Says which ring to wake.
    func attach(_ ring: Ring) {
        unsafe cring_lock_acquire(lock)
        unsafe self.ring = ring.pointer
        unsafe cring_lock_release(lock)
    }

    /// Ends the inbox: nobody touches the ring any more and posts are refused. Gives what came too
    /// late.
    func detach() -> Contents {
        unsafe cring_lock_acquire(lock)
        defer { unsafe cring_lock_release(lock) }
        unsafe ring = nil
        ended = true
        let late = contents
        contents = Contents()
        return late
    }
}
