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
        filling.free()
        inFlight.free()
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

    func free() { unsafe Glibc.free(base) }
}

/// Send blocks that a loop keeps for the next connection that writes, so that an idle connection
/// holds none and a busy one asks the allocator seldom.
///
/// Most are of one size. Of the larger ones a few are kept: memory that the allocator has just got
/// from the kernel costs a page fault every 4 KiB, more than the copy that fills it.
@safe final class BlockPool {
    typealias Memory = (base: UnsafeMutablePointer<UInt8>, capacity: Int)

    /// What a queue holds at its usual high-water mark, headers and all. Of a block that carries
    /// less only the pages that it touches are resident.
    static let blockSize = 68 * 1024
    private static let kept = 64
    private static let largeKept = 8
    private static let largeBytesKept = 8 << 20

    private let blocks = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>.allocate(capacity: kept)
    private var count = 0
    /// Smallest first.
    private var large: [(base: UnsafeMutablePointer<UInt8>, capacity: Int)] = unsafe []
    private var largeBytes = 0

    /// A block for at least `needed` octets; nil without memory.
    func take(_ needed: Int) -> Memory? {
        guard needed <= Self.blockSize else { return unsafe takeLarge(needed) }
        guard count > 0 else { return unsafe allocate(Self.blockSize) }
        count -= 1
        // Safe because the first `count` places hold blocks that nobody else has.
        return unsafe (blocks[count], Self.blockSize)
    }

    func give(_ base: UnsafeMutablePointer<UInt8>, _ capacity: Int) {
        if capacity > Self.blockSize {
            unsafe giveLarge((base, capacity))
        } else if count < Self.kept {
            unsafe (blocks + count).initialize(to: base)
            count += 1
        } else {
            unsafe free(base)
        }
    }

    private func takeLarge(_ needed: Int) -> Memory? {
        guard let fit = unsafe large.firstIndex(where: { unsafe $0.capacity >= needed }) else {
            // Whole blocks more, so that one serves messages of about the same size.
            return unsafe allocate((needed / Self.blockSize + 1) * Self.blockSize)
        }
        let memory = unsafe large.remove(at: fit)
        largeBytes -= unsafe memory.capacity
        return unsafe memory
    }

    private func giveLarge(_ memory: Memory) {
        guard unsafe large.count < Self.largeKept,
            unsafe largeBytes + memory.capacity <= Self.largeBytesKept
        else { return unsafe free(memory.base) }
        let place = unsafe large.firstIndex { unsafe $0.capacity >= memory.capacity }
        unsafe large.insert(memory, at: place ?? large.count)
        largeBytes += unsafe memory.capacity
    }

    private func allocate(_ capacity: Int) -> Memory? {
        guard let memory = unsafe malloc(capacity) else { return nil }
        return unsafe (memory.assumingMemoryBound(to: UInt8.self), capacity)
    }

    func removeAll() {
        while count > 0 {
            count -= 1
            unsafe free(blocks[count])
        }
        while let memory = unsafe large.popLast() { unsafe free(memory.base) }
        largeBytes = 0
    }

    deinit {
        removeAll()
        unsafe blocks.deallocate()
    }
}
