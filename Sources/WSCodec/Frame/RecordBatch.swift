// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Records that the C parser found ahead of the event being delivered.
///
/// The memory, 1 KiB, is taken when octets come and given back when they are used up, so that an
/// idle endpoint holds none.
@safe struct RecordBatch: ~Copyable {
    /// One batch is enough for most receives and small enough for the allocator's thread cache.
    static let capacity = 64

    // Invariant: next <= count <= capacity; memory is nil only if both are 0.
    private var memory: UnsafeMutablePointer<cframe_record>?
    private var next: UInt8 = 0
    private var count: UInt8 = 0

    init() { unsafe memory = nil }

    deinit { unsafe memory?.deallocate() }

    /// Whether all records have been removed.
    var isEmpty: Bool { next == count }

    /// Takes the oldest record; nil if there is none.
    mutating func removeFirst() -> cframe_record? {
        guard next != count, let memory = unsafe memory else { return nil }
        // Safe because next < count, and fill initialised that many.
        let record = unsafe memory[Int(next)]
        next += 1
        return record
    }

    /// Replaces all records by those that `body` writes and counts. There are at most `limit`.
    mutating func fill(
        limit: Int = capacity, _ body: (UnsafeMutablePointer<cframe_record>, Int) -> Int
    ) {
        let memory = unsafe self.memory ?? .allocate(capacity: Self.capacity)
        unsafe self.memory = memory
        next = 0
        count = UInt8(truncatingIfNeeded: unsafe body(memory, min(limit, Self.capacity)))
    }

    /// Forgets all records and gives the memory back.
    mutating func clear() {
        unsafe memory?.deallocate()
        unsafe memory = nil
        next = 0
        count = 0
    }
}
