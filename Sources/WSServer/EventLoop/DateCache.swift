// SPDX-License-Identifier: Apache-2.0

/// The value of Date (RFC 9110 section 6.6.1), made at most once a second.
final class DateCache {
    private var value: [UInt8] = []
    private var madeAt: UInt64 = 0

    /// The value for now; `now` is the loop's clock in nanoseconds.
    func octets(_ now: UInt64, _ ring: Ring?) -> [UInt8] {
        if value.isEmpty || now &- madeAt >= 500_000_000 {
            madeAt = now
            value = HTTPDate.octets(secondsSince1970: ring?.calendar ?? 0)
        }
        return value
    }
}
