// SPDX-License-Identifier: Apache-2.0
import CRing
import Glibc

/// Nothing in these tests waits longer than this for something that is to happen, in seconds: far
/// more than a loaded machine needs.
let patience = 30

/// Runs `body`, which may block, on a thread of its own: the concurrency pool has one thread a core,
/// and tests that block those would wait for each other.
func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let job = ThreadJob { continuation.resume(with: Result { try body() }) }
        let context = Unmanaged.passRetained(job).toOpaque()
        let result = cring_thread_start(
            { Unmanaged<ThreadJob>.fromOpaque($0!).takeRetainedValue().body() }, context, "test")
        if result != 0 {
            Unmanaged<ThreadJob>.fromOpaque(context).release()
            continuation.resume(throwing: PeerError.system("thread", -result))
        }
    }
}

private final class ThreadJob: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Values that one side of a test leaves for another, in order. From any thread.
///
/// Waiting for the next is the tests' only way of synchronising.
final class Recorder<Value: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var values: [Value] = []
    private var taken = 0

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func record(_ value: Value) {
        pthread_mutex_lock(mutex)
        values.append(value)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// All values so far, taken or not.
    var all: [Value] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return values
    }

    /// The next value that nobody has taken; blocks.
    func next() throws -> Value {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += patience
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while taken >= values.count {
            if pthread_cond_timedwait(condition, mutex, &deadline) != 0 { throw PeerError.timeOut }
        }
        taken += 1
        return values[taken - 1]
    }

    /// The next value that nobody has taken.
    func next() async throws -> Value { try await onThread { try self.next() } }
}

extension Recorder<Void> {
    func record() { record(()) }
}

/// Waits until `condition` holds, which nothing announces; false if it never did.
func eventually(_ condition: @escaping @Sendable () -> Bool) async throws -> Bool {
    try await onThread {
        for _ in 0..<(patience * 500) {
            if condition() { return true }
            usleep(2000)
        }
        return false
    }
}
