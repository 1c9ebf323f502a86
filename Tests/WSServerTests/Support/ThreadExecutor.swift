// SPDX-License-Identifier: Apache-2.0
import CRing

/// Runs every job on a thread of its own, so that a test may block in a system call without
/// holding one of the few threads that all tests share.
final class ThreadExecutor: TaskExecutor {
    static let shared = ThreadExecutor()

    private final class Work {
        let job: UnownedJob
        init(_ job: UnownedJob) { self.job = job }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let context = Unmanaged.passRetained(Work(UnownedJob(job))).toOpaque()
        let result = cring_thread_start(
            { context in
                guard let context else { return }
                let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
                work.job.runSynchronously(on: ThreadExecutor.shared.asUnownedTaskExecutor())
            }, context, "test-client")
        precondition(result == 0, "no thread: errno \(-result)")
    }
}

/// Runs `body` where it may block. What it starts in tasks of its own may too.
func blocking<Result: Sendable>(
    _ body: @escaping @concurrent @Sendable () async throws -> Result
) async throws -> Result {
    try await withTaskExecutorPreference(ThreadExecutor.shared) { try await body() }
}
