// SPDX-License-Identifier: Apache-2.0

/// A value in memory of its own, reached by one access at a time.
///
/// A stored property of a class would be watched by the runtime, at a hundred instructions an
/// access; this is watched by a flag, at four, and stops the process when an access begins while
/// one that may change the value lasts. For what every message touches. A reading access is not
/// marked, so nothing that is called during one may change the value.
///
///     | isBusy | padding |     value     |
///     0                  alignment of Value
@safe struct Cell<Value: ~Copyable>: ~Copyable {
    private let isBusy: UnsafeMutablePointer<Bool>

    init(_ value: consuming Value) {
        let place = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Value>.alignment + MemoryLayout<Value>.size,
            alignment: MemoryLayout<Value>.alignment)
        // Safe because the flag is one octet, and an alignment is at least that.
        unsafe isBusy = place.initializeMemory(as: Bool.self, to: false)
        unsafe pointer.initialize(to: value)
    }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(isBusy).deallocate()
    }

    private var pointer: UnsafeMutablePointer<Value> {
        @inline(__always) get {
            // Safe because `init` put the value there.
            unsafe (UnsafeMutableRawPointer(isBusy) + MemoryLayout<Value>.alignment)
                .assumingMemoryBound(to: Value.self)
        }
    }

    var value: Value {
        // Safe because the value lives as long as the cell, and no access begins within a change.
        @inline(__always) _read {
            precondition(unsafe !isBusy.pointee, "overlapping accesses")
            yield unsafe pointer.pointee
        }
        @inline(__always) nonmutating _modify {
            precondition(unsafe !isBusy.pointee, "overlapping accesses")
            unsafe isBusy.pointee = true
            defer { unsafe isBusy.pointee = false }
            yield unsafe &pointer.pointee
        }
    }
}
