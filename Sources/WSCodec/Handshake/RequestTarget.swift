// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// Where the parts of a request-target lie in a head (RFC 9112 section 3.2).
struct RequestTarget: Hashable, Sendable {
    /// The whole target as received.
    let whole: Range<Int>
    /// The host and port of an absolute-form.
    let authority: Range<Int>?
    /// The path; empty in an absolute-form without one, which means `/`.
    let path: Range<Int>
    /// What stands behind the first `?`.
    let query: Range<Int>?

    /// Nil when the target has none of the forms that an origin server answers: origin-form,
    /// absolute-form, and `*` for OPTIONS. The caller has checked the octets.
    init?(_ octets: Span<UInt8>, in range: Range<Int>, method: HTTPRequest.Method) {
        guard let first = range.first else { return nil }
        whole = range
        var pathStart = range.lowerBound
        if octets[first] == .slash {
            authority = nil
        } else if octets[first] == .asterisk {
            guard range.count == 1, method == .options else { return nil }
            authority = nil
        } else {
            guard let authority = Self.authority(octets, in: range) else { return nil }
            self.authority = authority
            pathStart = authority.upperBound
        }
        var pathEnd = pathStart
        while pathEnd < range.upperBound, octets[pathEnd] != .questionMark { pathEnd &+= 1 }
        path = pathStart..<pathEnd
        query = pathEnd < range.upperBound ? (pathEnd &+ 1)..<range.upperBound : nil
    }

    /// Where the authority of an absolute-form lies. Only the schemes that this server can be
    /// meant by count.
    private static func authority(_ octets: Span<UInt8>, in range: Range<Int>) -> Range<Int>? {
        for scheme in ["http://", "https://", "ws://", "wss://"] {
            let count = scheme.utf8.count
            guard range.count > count else { continue }
            let start = range.lowerBound &+ count
            guard octets.matches(scheme, in: range.lowerBound..<start) else { continue }
            var end = start
            while end < range.upperBound, octets[end] != .slash, octets[end] != .questionMark {
                end &+= 1
            }
            return Authority(octets, in: start..<end) == nil ? nil : start..<end
        }
        return nil
    }
}
