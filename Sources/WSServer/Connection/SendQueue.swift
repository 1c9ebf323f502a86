// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Octets on their way out of one connection, in order.
///
/// Theory: two blocks. One is with the kernel (at most one send is in flight, so nothing is
/// reordered); into the other everything queued meanwhile is gathered and leaves in the next send.
///
///     inFlight |  sent  |  with the kernel  |         filling |  queued  |   free   |
///
/// Invariant: octets reach the kernel in the order they were queued, each exactly once; a block is
/// not touched, moved or freed while the kernel has it.
struct SendQueue: ~Copyable {
    private var filling = Block()
    private var inFlight = Block()
    private var sent = 0
    private var isWithKernel = false

    /// Octets queued and not yet taken by the kernel.
    var count: Int { filling.count + inFlight.count - sent }

    var isEmpty: Bool { count == 0 }

    /// Whether `size` more octets can be appended just so.
    func hasRoom(_ size: Int) -> Bool { filling.hasRoom(size) }

    /// Makes room for `size` octets; false when there was no memory.
    mutating func reserve(_ size: Int, from pool: BlockPool) -> Bool {
        filling.reserve(size, from: pool)
    }

    /// Gives the room there is for `size` octets to `write`, which fills it from the front.
    mutating func append<Failure: Error>(
        _ size: Int, _ write: (inout OutputSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try filling.append(size, write)
    }

    /// The octets of the next send; nil while one is in flight or when nothing is queued.
    mutating func beginSend(_ pool: BlockPool) -> UnsafeBufferPointer<UInt8>? {
        guard !isWithKernel else { return nil }
        if sent == inFlight.count {
            inFlight.recycle(to: pool)
            sent = 0
            swap(&inFlight, &filling)
        }
        guard inFlight.count > 0 else { return nil }
        isWithKernel = true
        return unsafe inFlight.octets(from: sent)
    }

    /// The kernel has taken `octets` of what `beginSend` gave.
    mutating func endSend(_ octets: Int, _ pool: BlockPool) {
        isWithKernel = false
        sent = min(sent + octets, inFlight.count)
        if sent == inFlight.count {
            inFlight.recycle(to: pool)
            sent = 0
        }
    }

    /// Drops everything. Only when no send is in flight.
    mutating func removeAll(_ pool: BlockPool) {
        guard !isWithKernel else { return }
        filling.recycle(to: pool)
        inFlight.recycle(to: pool)
        sent = 0
    }

    deinit {
        filling.release()
        inFlight.release()
    }
}

/// Memory of C's allocator, whose failure can be seen: a refusal closes one connection only.
@safe private struct Block {
    private var base: UnsafeMutablePointer<UInt8>?
    private var capacity = 0
    private(set) var count = 0

    init() { unsafe base = nil }

    func hasRoom(_ size: Int) -> Bool { capacity - count >= size }

    mutating func reserve(_ size: Int, from pool: BlockPool) -> Bool {
        let (needed, overflow) = count.addingReportingOverflow(size)
        guard !overflow, needed <= Int(Int32.max) else { return false }
        if capacity == 0 {
            guard let block = unsafe pool.take(needed) else { return false }
            unsafe base = block.base
            unsafe capacity = block.capacity
            return true
        }
        // Doubling, so that n octets cost O(n) to gather however they come.
        let grown = max(needed, min(capacity * 2, Int(Int32.max)))
        // Safe because only whole, initialised octets are copied and `base` is ours.
        guard let moved = unsafe realloc(base, grown) else { return false }
        unsafe base = moved.assumingMemoryBound(to: UInt8.self)
        capacity = grown
        return true
    }

    mutating func append<Failure: Error>(
        _ size: Int, _ write: (inout OutputSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        guard let base = unsafe base else { return }
        // Safe because `reserve` made room for `size` octets behind `count`.
        let room = unsafe UnsafeMutableBufferPointer(start: base + count, count: size)
        var output = unsafe OutputSpan(buffer: room, initializedCount: 0)
        try write(&output)
        count += unsafe output.finalize(for: room)
    }

    func octets(from start: Int) -> UnsafeBufferPointer<UInt8> {
        guard let base = unsafe base else {
            return unsafe UnsafeBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeBufferPointer(start: base + start, count: count - start)
    }

    mutating func recycle(to pool: BlockPool) {
        guard let block = unsafe base else { return }
        unsafe pool.give(block, capacity)
        unsafe base = nil
        capacity = 0
        count = 0
    }

    func release() { unsafe free(base) }
}
