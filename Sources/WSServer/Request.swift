// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes
public import WSCodec

/// One HTTP request, whole: head, body and who sent it.
///
/// Cheap to copy and to keep. It holds the head as received and makes values from it when asked:
/// looking up single fields with `value(of:)` costs a walk over the head, `headers` builds all
/// fields on first use and keeps them. An upgraded socket keeps the octets alone; the first time
/// that something is asked of its request they are parsed again, and that stays.
public struct Request: Sendable {
    private let storage: Storage
    /// The values of the route's parameters by name, percent-decoded.
    ///
    /// Untrusted text: an encoded slash (`%2F`), `..` and control characters come through.
    public let parameters: [String: String]

    init(
        head: RequestHead, body: [UInt8] = [], parameters: [String: String] = [:],
        remoteAddress: String
    ) {
        storage = Storage(head: head, body: body, remoteAddress: remoteAddress)
        self.parameters = parameters
    }

    private init(_ storage: Storage, _ parameters: [String: String]) {
        self.storage = storage
        self.parameters = parameters
    }

    /// The same request in a third of the memory, until something is asked of it.
    var compact: Request { Request(storage.compact, parameters) }

    /// The method, case kept.
    public var method: HTTPRequest.Method { storage.head.method }

    /// The path as received, without the query, percent-encoding left as it is: begins with `/`,
    /// or is `*` for OPTIONS.
    public var path: String { storage.head.path }

    /// What stands behind the first `?` of the target, as received; nil without a `?`.
    public var query: String? { storage.head.query }

    /// The version in the request line.
    public var version: RequestHead.Version { storage.head.version }

    /// The body, chunked coding undone; empty without one.
    public var body: [UInt8] { storage.body }

    /// The address of the connection's other end, without its port: a client, or the proxy before
    /// us.
    public var remoteAddress: String { storage.remoteAddress }

    /// The head itself.
    public var head: RequestHead { storage.head }

    // MARK: Header fields

    /// All header fields. Built on first use: dearer than all the rest of a plain request.
    public var headers: HTTPFields { storage.headers }

    /// The value of the first field line with this name; nil without one. Does not build `headers`.
    /// Octets that are not UTF-8 are shown as U+FFFD.
    public func value(of name: HTTPField.Name) -> String? {
        storage.head.value(of: name.canonicalName)
    }

    // MARK: The opening handshake

    /// Whether the client asks for a WebSocket. No judgement: a reply that upgrades makes it.
    public var isHandshake: Bool { storage.head.isHandshake }

    /// The Origin that a browser adds: the page that asks. Others send none or what they like.
    public var origin: String? { storage.head.origin }

    /// The subprotocols that the client offers, the one it prefers first; empty without an offer or
    /// with one that is no list of tokens.
    public var subprotocols: [String] { storage.head.subprotocols }

    /// The first of `preferences` that the client offers, nil without one: what to give
    /// `Reply.upgrade(subprotocol:)`. Compared with regard to case (RFC 6455 section 4.2.2).
    public func subprotocol(of preferences: [String]) -> String? {
        let offered = subprotocols
        return preferences.first { offered.contains($0) }
    }
}

extension Request {
    /// What all copies of a request share.
    private final class Storage: Sendable {
        /// The head as received, if this was made without the head itself.
        private let octets: [UInt8]
        let body: [UInt8]
        let remoteAddress: String
        private let parsed = OnceReference<Parsed>()
        private let builtHeaders = OnceReference<Headers>()

        init(head: RequestHead, body: [UInt8], remoteAddress: String) {
            octets = []
            self.body = body
            self.remoteAddress = remoteAddress
            parsed.storeIfNil(Parsed(head))
        }

        private init(octets: [UInt8], body: [UInt8], remoteAddress: String) {
            self.octets = octets
            self.body = body
            self.remoteAddress = remoteAddress
        }

        var compact: Storage {
            // Copied, because the parser may have reserved more than there was.
            var octets: [UInt8] = []
            octets.reserveCapacity(head.octets.count)
            octets.append(contentsOf: head.octets)
            return Storage(octets: octets, body: body, remoteAddress: remoteAddress)
        }

        var head: RequestHead {
            if let parsed = parsed.load() { return parsed.head }
            return parsed.storeIfNil(Parsed(RequestHead(parsedBefore: octets))).head
        }

        /// Two tasks that ask at once both build them, and one result stays.
        var headers: HTTPFields {
            if let built = builtHeaders.load() { return built.fields }
            return builtHeaders.storeIfNil(Headers(head.headerFields)).fields
        }
    }

    private final class Parsed: Sendable {
        let head: RequestHead

        init(_ head: RequestHead) { self.head = head }
    }

    private final class Headers: Sendable {
        let fields: HTTPFields

        init(_ fields: HTTPFields) { self.fields = fields }
    }
}

extension Request: CustomStringConvertible {
    /// Method and path. Never the fields, which may hold secrets.
    public var description: String { "\(method.rawValue) \(path)" }
}
