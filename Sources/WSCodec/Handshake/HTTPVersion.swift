// SPDX-License-Identifier: Apache-2.0

/// A version of HTTP that a head can have.
public enum HTTPVersion: Sendable, Hashable {
    /// HTTP/1.0
    case http10
    /// HTTP/1.1
    case http11
}

/// Reads the eight octets `HTTP/1.0` or `HTTP/1.1`, in this case of letters (RFC 9112 section 2.3).
struct HTTPVersionReader {
    enum Step {
        case more
        case done(HTTPVersion)
        /// Not the name of a version.
        case invalid
        /// The name of a version that we do not speak.
        case unsupported
    }

    /// How many octets have been read.
    private var count = 0

    mutating func read(_ octet: UInt8) -> Step {
        count &+= 1
        switch count {
        case 1: return octet == 0x48 ? .more : .invalid
        case 2, 3: return octet == 0x54 ? .more : .invalid
        case 4: return octet == 0x50 ? .more : .invalid
        case 5: return octet == .slash ? .more : .invalid
        case 6 where octet.isDigit: return octet == 0x31 ? .more : .unsupported
        case 7: return octet == .dot ? .more : .invalid
        case 8 where octet.isDigit:
            return octet > 0x31 ? .unsupported : .done(octet == 0x30 ? .http10 : .http11)
        default: return .invalid
        }
    }
}
