// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

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

    /// Large blocks that are kept.
    var largeCount: Int { unsafe large.count }

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
