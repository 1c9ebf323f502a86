// SPDX-License-Identifier: Apache-2.0

/// A time on the loop's clock that may be unset, in 8 octets: an optional of its own takes 16, and
/// each connection has several. The clock is never at 0.
@propertyWrapper struct ZeroAsNil {
    private var raw: UInt64 = 0

    var wrappedValue: UInt64? {
        get { raw == 0 ? nil : raw }
        set { raw = newValue ?? 0 }
    }
}
