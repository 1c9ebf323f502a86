// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// The head of an HTTP/1.x request: request line and header fields, checked against RFC 9112.
///
/// It keeps the octets as they came and where the parts lie in them. What the connection needs of
/// every request (length of the body, keep-alive, whether it is a handshake) is worked out once,
/// when the head is complete; everything else is made when asked for.
public struct RequestHead: Sendable, Hashable {
    /// A version of HTTP that a head can have.
    public typealias Version = HTTPVersion

    /// The method, case kept: `get` is a method other than `GET` (RFC 9110 section 9.1).
    public let method: HTTPRequest.Method
    /// The version in the request line.
    public let version: Version
    let targetParts: RequestTarget
    let fields: FieldLines
    private let facts: RequestFacts

    init(
        method: HTTPRequest.Method, target: RequestTarget, version: Version, fields: FieldLines
    ) throws(RequestError) {
        facts = try RequestFacts(fields, version: version)
        self.method = method
        self.version = version
        self.targetParts = target
        self.fields = fields
    }

    // MARK: Keeping it

    /// The head as it was received, from the method to the empty line.
    package var octets: [UInt8] { fields.octets }

    /// A head that was parsed before, from its ``octets``: its limits are not asked again.
    package init(parsedBefore octets: [UInt8]) {
        let most = Int(UInt32.max)
        var parser = RequestHeadParser(
            limits: HTTPLimits(
                requestLineMaxBytes: most, headMaxBytes: most, fieldCountMax: most))
        guard (try? parser.receive(octets.span)) != nil else {
            preconditionFailure("octets that are no head were said to be one")
        }
        self = parser.takeHead()
    }

    // MARK: The request line

    /// The request-target as received, without the checks that a URL would need.
    public var target: String { fields.text(targetParts.whole) }

    /// The path of the target, percent-encoding left as it is: begins with `/`, or is `*` for
    /// OPTIONS.
    public var path: String {
        targetParts.path.isEmpty ? "/" : fields.text(targetParts.path)
    }

    /// What stands behind the first `?` of the target; nil without a `?`.
    public var query: String? { targetParts.query.map { fields.text($0) } }

    /// The host, with its port if it has one, that the request is meant for: from an absolute-form
    /// target, else from Host (RFC 9112 section 3.3). Nil in HTTP/1.0 requests without it.
    public var host: String? { hostRange.map { fields.text($0) } }

    var hostRange: Range<Int>? { targetParts.authority ?? facts.host }

    // MARK: The connection

    /// Whether the connection may go on after the answer: HTTP/1.1 without `Connection: close`.
    /// HTTP/1.0 connections end, whatever they ask for.
    public var isKeepAlive: Bool { version == .http11 && !facts.asksToClose }

    /// The value of Content-Length; nil without the field. Never together with `isChunked`.
    public var contentLength: Int? { facts.contentLength }

    /// Whether the body is in chunks (`Transfer-Encoding: chunked`).
    public var isChunked: Bool { facts.isChunked }

    /// Whether a body follows: chunks, or a Content-Length above 0.
    public var hasBody: Bool { facts.isChunked || (facts.contentLength ?? 0) > 0 }

    /// Whether the client waits for `100 Continue` before it sends the body.
    public var expectsContinue: Bool { facts.expectsContinue }

    /// Whether the client expects something that no server of HTTP/1.1 need know (RFC 9110 section
    /// 10.1.1).
    package var expectsUnknown: Bool { facts.hasExpectation && !facts.expectsContinue }

    /// Whether the client asks for a WebSocket: Upgrade has the token `websocket`, Connection the
    /// token `upgrade`. Free of cost, and no judgement: ``HandshakeRequest/init(validating:)`` says
    /// whether the handshake is right. Upgrades to anything else, h2c among them, are plain HTTP.
    public var isHandshake: Bool { facts.upgradesToWebSocket && facts.asksToUpgrade }

    // MARK: Header fields

    /// The number of field lines.
    public var fieldCount: Int { fields.lines.count }

    /// The value of the first field line with this name, compared without regard to case, white
    /// space around it removed. Octets that are not UTF-8 are shown as U+FFFD; `headerFields` keeps
    /// them.
    public func value(of name: String) -> String? { fields.value(of: name) }

    /// The values of all field lines with this name, in their order, as ``value(of:)`` shows them.
    public func values(of name: String) -> [String] { fields.values(of: name) }

    /// Whether the comma-separated list that the field lines with this name make together has
    /// `token` in it. Neither name nor token is sensitive to case.
    public func hasToken(_ token: String, in name: String) -> Bool {
        fields.hasToken(token, in: name)
    }

    /// All header fields, in their order. Built anew each time: dearer than parsing the head.
    public var headerFields: HTTPFields { fields.headerFields }
}
