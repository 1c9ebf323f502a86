// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding undone (RFC 3986 section 2.1).
enum PercentDecoding {
    /// The text that `octets[range]` encodes; nil if a `%` is not followed by two hexadecimal
    /// digits, or if what comes out is not UTF-8. Decodes once: `%2525` is `%25`.
    static func text(_ octets: Span<UInt8>, in range: Range<Int>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let octet = octets[position]
            if octet == UInt8(ascii: "%") {
                guard range.upperBound - position >= 3,
                    let high = octets[position + 1].hexDigit,
                    let low = octets[position + 2].hexDigit
                else { return nil }
                decoded.append(high << 4 | low)
                position += 3
            } else {
                decoded.append(octet)
                position += 1
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
