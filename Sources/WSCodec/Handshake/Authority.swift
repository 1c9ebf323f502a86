// SPDX-License-Identifier: Apache-2.0

/// A host with an optional port, as Host, Origin and request-targets have it (RFC 3986 section
/// 3.2, without user information).
struct Authority: Hashable, Sendable {
    /// In lower case; an IPv6 address with its brackets.
    let host: String
    /// Nil when there is none, or an empty one.
    let port: UInt16?

    /// Nil when `range` of `octets` is no authority; an empty host is none.
    init?(_ octets: Span<UInt8>, in range: Range<Int>) {
        var position = range.lowerBound
        var host: [UInt8] = []
        if position < range.upperBound, octets[position] == 0x5B {
            guard let end = Self.endOfIPv6(octets, in: range) else { return nil }
            position = end
        } else {
            guard let end = Self.endOfName(octets, in: range) else { return nil }
            position = end
        }
        for index in range.lowerBound..<position { host.append(octets[index].lowercased) }
        self.host = String(decoding: host, as: UTF8.self)
        guard position < range.upperBound else {
            port = nil
            return
        }
        guard octets[position] == .colon,
            let port = Self.port(octets, in: (position &+ 1)..<range.upperBound)
        else { return nil }
        self.port = port
    }

    init?(_ text: some Sequence<UInt8>) {
        let octets = Array(text)
        self.init(octets.span, in: 0..<octets.count)
    }

    /// Behind the bracket that ends an IPv6 address. What is between is checked by octet only: the
    /// address is compared, never connected to.
    private static func endOfIPv6(_ octets: Span<UInt8>, in range: Range<Int>) -> Int? {
        var position = range.lowerBound &+ 1
        while position < range.upperBound {
            let octet = octets[position]
            position &+= 1
            if octet == 0x5D { return position &- range.lowerBound > 3 ? position : nil }
            guard octet.isHexDigit || octet == .colon || octet == .dot else { return nil }
        }
        return nil
    }

    /// Behind a registered name or IPv4 address: unreserved octets, sub-delims, percent triplets.
    private static func endOfName(_ octets: Span<UInt8>, in range: Range<Int>) -> Int? {
        var position = range.lowerBound
        while position < range.upperBound, octets[position] != .colon {
            let octet = octets[position]
            if octet == 0x25 {
                guard position &+ 2 < range.upperBound, octets[position &+ 1].isHexDigit,
                    octets[position &+ 2].isHexDigit
                else { return nil }
                position &+= 3
            } else {
                guard octet.isNameOctet else { return nil }
                position &+= 1
            }
        }
        return position > range.lowerBound ? position : nil
    }

    /// The port in `range`: `.some(nil)` when it is empty, nil when it is none.
    private static func port(_ octets: Span<UInt8>, in range: Range<Int>) -> UInt16?? {
        if range.isEmpty { return .some(nil) }
        // Five digits are enough for 65 535, and cannot overflow.
        guard range.count <= 5 else { return nil }
        var value: UInt32 = 0
        for index in range {
            guard octets[index].isDigit else { return nil }
            value = value &* 10 &+ UInt32(octets[index] &- 0x30)
        }
        return UInt16(exactly: value).map { .some($0) }
    }
}

extension UInt8 {
    /// Unreserved octets and sub-delims of RFC 3986.
    fileprivate var isNameOctet: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x2D, 0x2E, 0x5F, 0x7E: return true  // - . _ ~
        case 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D: return true  // ! $ & ' ( ) * + , ; =
        default: return false
        }
    }
}
