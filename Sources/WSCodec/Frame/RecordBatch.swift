// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Records that the C parser found ahead of the event being delivered.
///
/// One record needs no memory. For more, 1 KiB is taken, from the scratch memory if there is some,
/// and given back when they are used up, so that an idle endpoint holds none.
@safe struct RecordBatch: ~Copyable {
    /// One batch is enough for most receives and small enough for the allocator's thread cache.
    static let capacity = 64

    // Invariant: next <= count <= capacity; memory is nil only if both are 0. While there is a
    // `first` both are 0, and `behindFirst` is what count will be, so that the fast road looks at
    // nothing else.
    private var memory: UnsafeMutablePointer<cframe_record>?
    let scratch: EndpointScratch?
    private var first = cframe_record()
    private var hasFirst = false
    private var behindFirst: UInt8 = 0
    private var next: UInt8 = 0
    private var count: UInt8 = 0

    init(_ scratch: EndpointScratch?) {
        unsafe memory = nil
        self.scratch = scratch
    }

    deinit { unsafe memory?.deallocate() }

    var isEmpty: Bool { !hasFirst && next == count }

    /// Takes the oldest record; nil if there is none, or it is not wanted.
    @inline(__always)
    mutating func removeFirst(
        where isWanted: (cframe_record) -> Bool = { _ in true }
    ) -> cframe_record? {
        guard hasFirst else { return removeNext(where: isWanted) }
        guard isWanted(first) else { return nil }
        hasFirst = false
        count = behindFirst
        return first
    }

    /// As `removeFirst` does, but for the first record of a batch.
    @inline(__always)
    mutating func removeNext(where isWanted: (cframe_record) -> Bool) -> cframe_record? {
        guard next != count, let memory = unsafe memory else { return nil }
        // Safe because next < count, and fill initialised that many.
        let record = unsafe memory[Int(next)]
        guard isWanted(record) else { return nil }
        next &+= 1
        return record
    }

    /// Lets `body` write at most `capacity` records and count them. The batch is empty before this.
    mutating func fill(_ body: (UnsafeMutablePointer<cframe_record>, Int) -> Int) {
        // Safe because no more than `capacity` records are written, and only those are read.
        unsafe withUnsafeTemporaryAllocation(of: cframe_record.self, capacity: Self.capacity) {
            records in
            guard let found = records.baseAddress else { return }
            let count = min(unsafe body(found, Self.capacity), Self.capacity)
            guard count > 0 else { return }
            unsafe first = found.pointee
            hasFirst = true
            behindFirst = 0
            next = 0
            self.count = 0
            guard count > 1 else { return }
            let memory =
                unsafe self.memory ?? scratch?.take() ?? .allocate(capacity: Self.capacity)
            unsafe memory.initialize(from: found + 1, count: count - 1)
            unsafe self.memory = memory
            behindFirst = UInt8(truncatingIfNeeded: count - 1)
        }
    }

    /// Forgets all records and gives the memory back.
    mutating func clear() {
        hasFirst = false
        guard let memory = unsafe memory else { return }
        if let scratch {
            unsafe scratch.giveBack(memory)
        } else {
            unsafe memory.deallocate()
        }
        unsafe self.memory = nil
        next = 0
        count = 0
    }
}
