// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A reference that any thread may set, once, and any thread may read.
///
/// What `AtomicLazyReference` is, without the calls into unspecialised code that each use of that
/// one costs, some hundred instructions: a few of them are in every handshake.
@safe struct OnceReference<Object: AnyObject & Sendable>: ~Copyable, Sendable {
    /// The object's address, with one count of its references; 0 until it is set.
    private let address = Atomic<UInt>(0)

    /// Nil until it is set.
    func load() -> Object? { Self.object(at: address.load(ordering: .acquiring)) }

    /// Sets it unless it is set already. Returns what it is set to.
    @discardableResult
    func storeIfNil(_ object: Object) -> Object {
        // Safe because the count is given back here or in deinit.
        let retained = unsafe Unmanaged.passRetained(object)
        let (isStored, original) = address.compareExchange(
            expected: 0, desired: unsafe UInt(bitPattern: retained.toOpaque()),
            ordering: .acquiringAndReleasing)
        if isStored { return object }
        unsafe retained.release()
        return Self.object(at: original) ?? object
    }

    private static func object(at address: UInt) -> Object? {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
        // Safe because only `storeIfNil` stores addresses, of objects that live as long as this.
        return unsafe Unmanaged<Object>.fromOpaque(pointer).takeUnretainedValue()
    }

    deinit {
        let address = address.load(ordering: .acquiring)
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return }
        // Safe because nobody else can reach this any more.
        unsafe Unmanaged<Object>.fromOpaque(pointer).release()
    }
}
