// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// One loop's backend: raw operations in, raw completions out. All policy lives above it.
///
/// The C side chooses io_uring or epoll behind one table of operations; what is seen here is the
/// same for both. Only the thread that opened it may use it.
@safe final class Ring {
    let pointer: OpaquePointer
    private let completions: UnsafeMutableBufferPointer<cring_completion>

    /// What went wrong when a ring was opened, and at which step.
    struct Failure: Error {
        let code: Int32
        let step: String
    }

    /// Opens a backend; `refusal` says why io_uring was not taken where `kind` left the choice.
    init(kind: WebSocketServer.Backend, options: BackendOptions, refusal: inout Failure?)
        throws(Failure)
    {
        var raw = cring_options()
        raw.kind =
            switch kind {
            case .auto: CRING_AUTO
            case .ioUring: CRING_URING
            case .epoll: CRING_EPOLL
            }
        raw.submission_entries = options.submissionEntries
        raw.completion_entries = options.completionEntries
        raw.buffer_count = options.bufferCount
        raw.buffer_size = options.bufferSize
        raw.features_masked = options.maskedFeatures
        raw.opening = options.opening
        var pointer: OpaquePointer?
        var why = unsafe cring_failure()
        // Safe because both pointers are local and C keeps neither.
        let result = unsafe cring_open(&pointer, &raw, &why)
        let step = unsafe why.step.map { unsafe String(cString: $0) } ?? ""
        guard result == 0, let opened = unsafe pointer else {
            throw Failure(code: unsafe why.error != 0 ? why.error : -result, step: step)
        }
        if unsafe why.error != 0 { refusal = unsafe Failure(code: why.error, step: step) }
        unsafe self.pointer = opened
        unsafe completions = .allocate(capacity: 512)
    }

    deinit {
        unsafe cring_free(pointer)
        unsafe completions.deallocate()
    }

    /// What was opened; never `.auto`.
    var kind: WebSocketServer.Backend {
        unsafe cring_kind_of(pointer) == CRING_EPOLL ? .epoll : .ioUring
    }

    /// Names of the kernel features in use, for the log.
    var featureNames: [String] {
        let features = unsafe cring_features(pointer)
        return (0..<32).compactMap { bit in
            guard features & (1 << bit) != 0 else { return nil }
            return unsafe cring_feature_name(1 << bit).map { unsafe String(cString: $0) }
        }
    }

    /// The clock in nanoseconds.
    var now: UInt64 { unsafe cring_now(pointer) }

    /// Seconds since 1970.
    var calendar: Int64 { unsafe cring_calendar(pointer) }

    var buffersOut: Int { Int(unsafe cring_buffers_out(pointer)) }
    var overflows: UInt64 { unsafe cring_overflows(pointer) }

    // Each of these queues one operation; false when there is no memory to queue it.

    func accept(_ listener: Int32, _ token: OperationToken) -> Bool {
        unsafe cring_accept(pointer, listener, token.rawValue) == 0
    }

    func receive(_ descriptor: Int32, _ token: OperationToken) -> Bool {
        unsafe cring_receive(pointer, descriptor, token.rawValue) == 0
    }

    /// `octets` must stay in place until the completion.
    func send(_ descriptor: Int32, _ octets: UnsafeBufferPointer<UInt8>, _ token: OperationToken)
        -> Bool
    {
        // Safe because the send queue keeps the block until the completion comes.
        unsafe cring_send(pointer, descriptor, octets.baseAddress, octets.count, token.rawValue)
            == 0
    }

    func cancel(_ descriptor: Int32, _ target: OperationToken) -> Bool {
        unsafe cring_cancel(pointer, descriptor, target.rawValue) == 0
    }

    @discardableResult
    func shutdown(_ descriptor: Int32, _ direction: ShutdownDirection) -> Bool {
        unsafe cring_shutdown(pointer, descriptor, direction.rawValue) == 0
    }

    func close(_ descriptor: Int32) -> Bool { unsafe cring_close(pointer, descriptor) == 0 }

    /// Closes at once, whatever is queued for the descriptor: when no wait follows.
    func closeNow(_ descriptor: Int32) { unsafe cring_close_now(pointer, descriptor) }

    func recycle(_ buffer: UInt16) { unsafe cring_recycle(pointer, buffer) }

    /// Submits everything queued, waits for a completion, a wake or the time-out (nanoseconds;
    /// negative: for ever; 0: not at all), and gives the number of completions.
    func wait(_ timeout: Int64) throws(Failure) -> Int {
        let count = unsafe cring_wait(
            pointer, timeout, completions.baseAddress, UInt32(completions.count))
        guard count >= 0 else { throw Failure(code: -count, step: "wait") }
        return Int(count)
    }

    /// One of the completions of the last `wait`.
    func completion(_ index: Int) -> Completion { unsafe Completion(raw: completions[index]) }
}

/// Randomness from what a loop stands on.
extension Ring: RandomNumberGenerator {
    func next() -> UInt64 { unsafe cring_random(pointer) }
}

/// One event of an operation.
@safe struct Completion {
    private let raw: cring_completion

    fileprivate init(raw: cring_completion) { unsafe self.raw = raw }

    var token: OperationToken { OperationToken(rawValue: unsafe raw.token) }

    /// As the kernel has it: 0 or more, or the negated errno.
    var result: Int32 { unsafe raw.result }

    /// Whether the operation stays armed.
    var hasMore: Bool { unsafe raw.flags & UInt16(CRING_MORE) != 0 }

    /// The receive buffer to recycle, if one came along.
    var buffer: UInt16? { unsafe raw.flags & UInt16(CRING_BUFFER) != 0 ? raw.buffer : nil }

    /// The received octets; ours until the buffer is recycled.
    var octets: UnsafeMutableBufferPointer<UInt8> {
        unsafe UnsafeMutableBufferPointer(start: raw.data, count: max(0, Int(raw.result)))
    }
}

/// Which half of a connection is shut down, in the numbers of shutdown(2).
enum ShutdownDirection: Int32 {
    case write = 1
    case both = 2
}

/// The sizes of a loop's backend, and what it must not use.
public struct BackendOptions: Sendable, Equatable {
    /// Entries of the submission queue (io_uring).
    public var submissionEntries: UInt32 = 1024
    /// Entries of the completion queue; 0 lets the loop choose by its share of the connections.
    public var completionEntries: UInt32 = 0
    /// Receive buffers of a loop, a power of two.
    public var bufferCount: UInt32 = 64
    /// Octets of one receive buffer.
    public var bufferSize: UInt32 = 32 * 1024
    /// Kernel features not to use, as if the kernel were older: bits of `CRING_FEATURE_…`.
    public var maskedFeatures: UInt32 = 0
    /// The address of a `cring_opening`, for tests that put something else than the kernel under a
    /// server; 0 is the kernel.
    package var opening: UInt = 0

    /// The measured defaults: 64 buffers of 32 KiB, within a core's cache.
    public init() {}
}
