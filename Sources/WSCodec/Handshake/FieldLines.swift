// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// Where one field line lies in a head.
struct FieldLine: Hashable, Sendable {
    private let nameStart, nameEnd, valueStart, valueEnd: UInt32

    /// `value` is without the white space around it. Positions are below 2^30: `HTTPLimits.clamped`.
    init(name: Range<Int>, value: Range<Int>) {
        nameStart = UInt32(truncatingIfNeeded: name.lowerBound)
        nameEnd = UInt32(truncatingIfNeeded: name.upperBound)
        valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
    }

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// The octets of a head, and where its field lines lie in them.
///
/// A lookup walks the lines and compares names without regard to case: heads are short and few
/// lookups are made, so an index would cost more than it saves.
struct FieldLines: Hashable, Sendable {
    var octets: [UInt8] = []
    var lines: [FieldLine] = []

    /// Where the values of the field `name` lie, in the order of the lines.
    func ranges(of name: String) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        forEachValue(of: name) { ranges.append($0) }
        return ranges
    }

    func count(of name: String) -> Int { first(of: name).count }

    /// Where the value of the first field `name` lies, and how many there are.
    func first(of name: String) -> (range: Range<Int>?, count: Int) {
        var first: Range<Int>?
        var count = 0
        forEachValue(of: name) {
            first = first ?? $0
            count &+= 1
        }
        return (first, count)
    }

    func value(of name: String) -> String? {
        let span = octets.span
        for line in lines where span.matches(name, in: line.name) { return text(line.value) }
        return nil
    }

    func values(of name: String) -> [String] {
        ranges(of: name).map { text($0) }
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: octets[range], as: UTF8.self)
    }

    /// Whether the comma-separated list that all lines of the field `name` make together has
    /// `token` in it, letters compared without regard to case.
    func hasToken(_ token: String, in name: String) -> Bool {
        var found = false
        let span = octets.span
        forEachValue(of: name) { value in
            found = found || span.listHas(token, in: value)
        }
        return found
    }

    func forEachValue(of name: String, _ body: (Range<Int>) -> Void) {
        let span = octets.span
        for line in lines where span.matches(name, in: line.name) { body(line.value) }
    }

    /// The fields as HTTPTypes has them, octets from 0x80 on kept.
    var headerFields: HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(lines.count)
        for line in lines {
            // The parser let only tokens pass as names, so this never skips a line.
            guard let name = HTTPField.Name(text(line.name)) else { continue }
            fields.append(HTTPField(name: name, value: octets[line.value]))
        }
        return fields
    }
}

extension Span<UInt8> {
    /// Whether the comma-separated list in `range` has `token` in it, without regard to case.
    func listHas(_ token: String, in range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            while end < range.upperBound, self[end] != .comma { end &+= 1 }
            let element = trimmed(start..<end)
            if !element.isEmpty, matches(token, in: element) { return true }
            start = end &+ 1
        }
        return false
    }
}

extension FieldLines {
    /// The tokens that the lines of the field `name` list together; empty without the field, nil
    /// when something else than tokens stands there, or nothing. Empty elements are skipped
    /// (RFC 9110 section 5.6.1).
    func tokens(in name: String) -> [String]? {
        let span = octets.span
        var tokens: [String] = []
        let ranges = ranges(of: name)
        for range in ranges {
            var start = range.lowerBound
            while start < range.upperBound {
                var end = start
                while end < range.upperBound, span[end] != .comma { end &+= 1 }
                let element = span.trimmed(start..<end)
                if span.isToken(element) {
                    tokens.append(text(element))
                } else if !element.isEmpty {
                    return nil
                }
                start = end &+ 1
            }
        }
        return tokens.isEmpty && !ranges.isEmpty ? nil : tokens
    }
}
