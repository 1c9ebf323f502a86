// SPDX-License-Identifier: Apache-2.0

/// Which web pages may open a WebSocket (RFC 6455 section 10.2).
///
/// A browser sends cookies along with a handshake that any page may start, and says in Origin which
/// page that was. Nothing else stops a foreign page from speaking with the user's rights, so the
/// default is ``sameHost``. Clients that are no browsers send no Origin and are always let in: they
/// could claim anything.
public enum OriginPolicy: Sendable, Hashable {
    /// Every page. For services without cookies or other rights that the browser adds.
    case any
    /// Pages from the host and port that the request itself names (Host). Behind a proxy, Host must
    /// be what the browser sent.
    case sameHost
    /// Pages from these origins, written `https://example.com` or `https://example.com:8443`;
    /// nothing behind the port, not even a slash. ``isOrigin(_:)`` says whether one can ever match.
    case list([String])

    /// Whether the policy lets the request's Origin in. More than one Origin, `null` and anything
    /// that is no origin is let in by ``any`` only.
    public func allows(_ head: RequestHead) -> Bool {
        if case .any = self { return true }
        let values = head.fields.ranges(of: "origin")
        guard let value = values.first else { return true }
        guard values.count == 1, let origin = Origin(head.fields.text(value)) else { return false }
        switch self {
        case .any:
            return true
        case .sameHost:
            return head.host.flatMap { Authority($0.utf8) }.map { origin.isOf($0) } ?? false
        case .list(let origins):
            return origins.contains { Origin($0) == origin }
        }
    }

    /// Whether `text` is an origin as browsers write it: scheme, `://`, host, optional port.
    public static func isOrigin(_ text: String) -> Bool { Origin(text) != nil }
}

/// A serialised origin (RFC 6454 section 6.2), ready to be compared.
private struct Origin: Equatable {
    private let scheme: String
    private let host: String
    /// The scheme's own port where none is written; 0 for schemes without one.
    private let port: UInt16

    init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: .colon),
            let first = text.utf8.first, first.isLetter,
            text.utf8[..<colon].allSatisfy({ $0.isSchemeOctet }),
            text.utf8[colon...].starts(with: "://".utf8),
            let authority = Authority(text[colon...].utf8.dropFirst(3))
        else { return nil }
        scheme = text[..<colon].lowercased()
        host = authority.host
        port = authority.port ?? Self.defaultPort(of: scheme)
    }

    /// Whether a page of this origin comes from `authority`, where a port that is not written is
    /// the one of the page's scheme: TLS may end before us.
    func isOf(_ authority: Authority) -> Bool {
        let standard = Self.defaultPort(of: scheme)
        return standard != 0 && host == authority.host && port == authority.port ?? standard
    }

    private static func defaultPort(of scheme: String) -> UInt16 {
        switch scheme {
        case "http": 80
        case "https": 443
        default: 0
        }
    }
}

extension UInt8 {
    /// What a URI's scheme may hold behind its first letter (RFC 3986 section 3.1).
    fileprivate var isSchemeOctet: Bool {
        isLetter || isDigit || self == 0x2B || self == 0x2D || self == 0x2E
    }
}
