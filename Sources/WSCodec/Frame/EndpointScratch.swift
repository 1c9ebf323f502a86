// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Memory that endpoints lend each other: 1 KiB, kept from one `nextEvent(in:)` to another's.
///
/// An endpoint needs it while octets with more than one frame are being looked at. Without this
/// each time costs an allocation. For endpoints that are used on one thread, or by one actor, at a
/// time.
@safe public final class EndpointScratch {
    private var spare: UnsafeMutablePointer<cframe_record>?

    /// Scratch memory that takes none yet.
    public init() { unsafe spare = nil }

    deinit { unsafe spare?.deallocate() }

    /// Memory for `RecordBatch.capacity` records, the caller's until it gives it back or frees it.
    func take() -> UnsafeMutablePointer<cframe_record> {
        guard let memory = unsafe spare else {
            return .allocate(capacity: RecordBatch.capacity)
        }
        unsafe spare = nil
        return unsafe memory
    }

    func giveBack(_ memory: UnsafeMutablePointer<cframe_record>) {
        if unsafe spare == nil { unsafe spare = memory } else { unsafe memory.deallocate() }
    }
}
