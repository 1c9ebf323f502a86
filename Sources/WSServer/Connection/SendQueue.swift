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
/// Control frames may go ahead of it, in a block of their own.
///
///     inFlight |  sent  |  with the kernel  |     filling |  replies  |  frames  |   free   |
///
/// Invariant: octets reach the kernel in the order they were queued, each exactly once, but for
/// what went ahead and what was dropped, whole frames both; control frames keep the order they
/// have among themselves. A block is not touched, moved or freed
/// while the kernel has it.
struct SendQueue: ~Copyable {
    private var filling = Block()
    private var inFlight = Block()
    private var ahead: Ahead?
    /// Octets in `ahead`, at hand for whoever counts.
    private var aheadCount: UInt32 = 0
    private var sent: UInt32 = 0
    private var isWithKernel = false
    /// Octets at the front of `filling` that are no frames: what HTTP replied.
    private var replies: UInt32 = 0
    /// Whether `filling` has a control frame: none goes ahead of another.
    private var hasControlInLine = false

    /// A block for what goes ahead; apart, as few connections ever need it.
    private final class Ahead {
        var block = Block()
        deinit { block.release() }

        func takeBlock() -> Block {
            defer { block = Block() }
            return block
        }
    }

    /// Octets queued and not yet taken by the kernel.
    var count: Int { filling.count + inFlight.count - Int(sent) + Int(aheadCount) }

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

    /// What is queued from now on is frames.
    mutating func framesBegin() { replies = UInt32(clamping: filling.count) }

    /// What was appended last is a control frame.
    mutating func controlIsInLine() { hasControlInLine = true }

    /// Makes room for `size` octets to go ahead of what waits; false when that must not be, or
    /// there was no memory.
    mutating func reserveAhead(_ size: Int, from pool: BlockPool) -> Bool {
        guard replies == 0, !hasControlInLine else { return false }
        let ahead = ahead ?? Ahead()
        self.ahead = ahead
        return ahead.block.hasRoom(size) || ahead.block.reserve(size, from: pool)
    }

    /// As `append`, for what goes ahead of what waits.
    mutating func appendAhead<Failure: Error>(
        _ size: Int, _ write: (inout OutputSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        guard let ahead else { return }
        defer { aheadCount = UInt32(ahead.block.count) }
        try ahead.block.append(size, write)
    }

    /// Drops the oldest data frames that the kernel has not been given until at least `wanted`
    /// octets of them are gone, or all are. Gives how many frames that were.
    mutating func dropOldest(_ wanted: Int) -> Int {
        filling.dropDataFrames(from: Int(replies), wanted)
    }

    /// The octets of the next send; nil while one is in flight or when nothing is queued.
    mutating func beginSend(_ pool: BlockPool) -> UnsafeBufferPointer<UInt8>? {
        guard !isWithKernel else { return nil }
        if sent == inFlight.count {
            inFlight.recycle(to: pool)
            sent = 0
            if aheadCount > 0, let ahead {
                inFlight = ahead.takeBlock()
                aheadCount = 0
            } else {
                inFlight = filling
                filling = Block()
                replies = 0
                hasControlInLine = false
            }
        }
        guard inFlight.count > 0 else { return nil }
        isWithKernel = true
        return unsafe inFlight.octets(from: Int(sent))
    }

    /// The kernel has taken `octets` of what `beginSend` gave.
    mutating func endSend(_ octets: Int, _ pool: BlockPool) {
        isWithKernel = false
        // Safe because a block holds at most 2 GiB.
        sent = UInt32(min(Int(sent) + octets, inFlight.count))
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
        ahead?.block.recycle(to: pool)
        aheadCount = 0
        sent = 0
        hasControlInLine = false
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

    /// Takes out the first data frames behind `start`, octets of them enough, and closes the gaps.
    /// What lies there is whole frames as a server sends them (RFC 6455 section 5.2).
    mutating func dropDataFrames(from start: Int, _ wanted: Int) -> Int {
        guard let base = unsafe base else { return 0 }
        var (position, kept, dropped, frames) = (start, start, 0, 0)
        while position < count, dropped < wanted {
            let size = unsafe Self.frameSize(base + position)
            if unsafe base[position] & 0x08 == 0 {
                dropped += size
                frames += 1
            } else {
                // Safe because kept <= position, and both frames lie within the block.
                unsafe memmove(base + kept, base + position, size)
                kept += size
            }
            position += size
        }
        unsafe memmove(base + kept, base + position, count - position)
        count -= dropped
        return frames
    }

    private static func frameSize(_ frame: UnsafePointer<UInt8>) -> Int {
        switch unsafe frame[1] {
        case 126: return unsafe 4 + (Int(frame[2]) << 8 | Int(frame[3]))
        case 127:
            var length = 0
            for index in 2..<10 { length = unsafe length << 8 | Int(frame[index]) }
            return 10 + length
        case let length: return 2 + Int(length)
        }
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
