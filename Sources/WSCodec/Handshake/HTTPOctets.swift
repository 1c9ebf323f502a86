// SPDX-License-Identifier: Apache-2.0

/// The octet classes of RFC 9110 and RFC 3986 that a head is made of.
extension UInt8 {
    static let horizontalTab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let doubleQuote: UInt8 = 0x22
    static let asterisk: UInt8 = 0x2A
    static let comma: UInt8 = 0x2C
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let equals: UInt8 = 0x3D
    static let questionMark: UInt8 = 0x3F
    static let backslash: UInt8 = 0x5C

    /// `tchar` of RFC 9110 section 5.6.2: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always) var isTokenOctet: Bool { isIn(0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE) }

    /// What a field value may hold (RFC 9110 section 5.5): visible ASCII, space, tab and the octets
    /// from 0x80 on; no other control octet.
    @inline(__always) var isFieldValueOctet: Bool {
        self >= 0x20 ? self != 0x7F : self == .horizontalTab
    }

    /// Space or tab, which RFC 9110 calls optional white space.
    @inline(__always) var isWhiteSpace: Bool { self == .space || self == .horizontalTab }

    /// What a request-target may hold: visible ASCII but `"`, `#`, `<` and `>`. Wider than RFC 3986
    /// by ``[\]^`{|}``, which browsers send bare in a query.
    @inline(__always) var isTargetOctet: Bool { isIn(0xAFFF_FFF2_0000_0000, 0x7FFF_FFFF_FFFF_FFFF) }

    @inline(__always) var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    @inline(__always) var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }

    @inline(__always) var isHexDigit: Bool {
        isDigit || ((self | 0x20) >= 0x61 && (self | 0x20) <= 0x66)
    }

    /// The lower-case form of an ASCII letter; any other octet as it is.
    @inline(__always) var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// Whether bit `self` is set in a set of ASCII octets given as two words.
    @inline(__always) private func isIn(_ low: UInt64, _ high: UInt64) -> Bool {
        let word = self & 0x40 == 0 ? low : high
        return self < 0x80 && (word &>> UInt64(self & 0x3F)) & 1 == 1
    }
}

extension Span<UInt8> {
    /// Whether `range` holds `text`, ASCII letters compared without regard to case.
    func matches(_ text: String, in range: Range<Int>) -> Bool {
        let text = text.utf8Span.span
        guard range.count == text.count else { return false }
        let octets = extracting(range)
        for index in text.indices
        where octets[index].lowercased != text[index].lowercased { return false }
        return true
    }

    /// `range` without the spaces and tabs at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start].isWhiteSpace { start &+= 1 }
        while start < end, self[end &- 1].isWhiteSpace { end &-= 1 }
        return start..<end
    }

    /// Whether `range` is one token (RFC 9110 section 5.6.2).
    func isToken(_ range: Range<Int>) -> Bool {
        for index in range where !self[index].isTokenOctet { return false }
        return !range.isEmpty
    }
}

extension String {
    /// Whether the string is one token (RFC 9110 section 5.6.2).
    var isToken: Bool { !isEmpty && utf8.allSatisfy { $0.isTokenOctet } }
}
