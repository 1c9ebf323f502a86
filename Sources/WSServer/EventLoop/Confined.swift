// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// The mark of one loop's thread: a word that this thread alone carries in thread-local storage.
struct LoopToken: Sendable, Equatable {
    /// Never 0: that is what every other thread carries.
    let word: UInt

    var isCurrent: Bool { cring_thread_word() == word }
}

/// An object that only its loop's thread may touch, in a wrapper that any thread may hold.
///
/// It is a lock whose lock is "being on the loop's thread": reaching for the object anywhere else
/// stops the process. Two overlapping accesses on the loop itself are caught by Swift's own
/// exclusivity checks on the object's properties.
struct Confined<Object: AnyObject>: @unchecked Sendable {
    private let object: Object
    private let owner: LoopToken

    init(_ object: Object, to owner: LoopToken) {
        self.object = object
        self.owner = owner
    }

    /// The object, for a caller on the loop's thread.
    var onLoop: Object {
        precondition(owner.isCurrent, "reached for a loop's state from another thread")
        return object
    }
}
