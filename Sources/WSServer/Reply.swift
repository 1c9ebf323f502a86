// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// What a request gets: an ordinary HTTP reply, or a WebSocket.
///
/// `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are the server's: whatever stands
/// in `headers` under these names is not sent.
public struct Reply: Sendable {
    /// The status, from 200 to 599; with anything else the client gets 500. Of an upgrade it is
    /// 101, and changing it changes nothing.
    public var status: HTTPResponse.Status
    /// The fields, in the order they are sent. Of an upgrade, the ones added to the 101.
    public var headers: HTTPFields
    /// The body, sent whole with its length. Not sent for HEAD, nor with 204, 205 and 304.
    public var body: [UInt8]
    /// The conversation that follows if the request is a good handshake; `nil` for ordinary
    /// replies. A reference, to keep the other replies small.
    let upgrade: Upgrade?

    private init(
        status: HTTPResponse.Status, headers: HTTPFields, body: [UInt8], upgrade: Upgrade? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.upgrade = upgrade
    }

    /// A reply with a status, fields and a body of any kind.
    public static func reply(
        _ status: HTTPResponse.Status, headers: HTTPFields = [:], body: [UInt8] = []
    ) -> Reply {
        Reply(status: status, headers: headers, body: body)
    }

    /// A reply of plain text, as `text/plain; charset=utf-8`.
    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Reply {
        Reply(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: Array(text.utf8))
    }

    /// A reply of a web page, as `text/html; charset=utf-8`.
    public static func html(_ page: String, status: HTTPResponse.Status = .ok) -> Reply {
        Reply(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: Array(page.utf8))
    }

    /// Accepts a WebSocket and holds a conversation over it.
    ///
    /// The handshake is judged only now: a request that is none gets 426, a broken one 400, a
    /// refused Origin 403, and the conversation never runs (RFC 6455 section 4.2.2). Returning
    /// from the conversation closes with 1000, throwing closes with 1011.
    ///
    /// - Parameters:
    ///   - subprotocol: One that the client offered: see `Request.subprotocol(of:)`. Any other
    ///     gets 500, for the client would fail the connection.
    ///   - headers: Fields added to the 101, such as `Set-Cookie`.
    ///   - options: What these sockets do differently from the server's defaults.
    ///   - conversation: Runs on the connection's event loop; must not block its thread.
    public static func upgrade(
        subprotocol: String? = nil, headers: HTTPFields = [:],
        options: UpgradeOptions = UpgradeOptions(),
        _ conversation: @escaping @Sendable (WebSocket) async throws -> Void
    ) -> Reply {
        upgrade(
            subprotocol: subprotocol, headers: headers, options: options,
            door: .conversation(conversation))
    }

    /// Accepts a WebSocket through any door.
    static func upgrade(
        subprotocol: String?, headers: HTTPFields, options: UpgradeOptions, door: Door
    ) -> Reply {
        Reply(
            status: .switchingProtocols, headers: headers, body: [],
            upgrade: Upgrade(subprotocol: subprotocol, options: options, door: door))
    }

    /// Whether this reply asks for a WebSocket.
    public var isUpgrade: Bool { upgrade != nil }

    /// Sets a field from plain strings, which may come from anywhere: what could not stand in a
    /// head (CR, LF, NUL and the like) is thrown out, never repaired.
    ///
    /// Replaces all fields of that name. `HTTPField` itself turns such octets into spaces.
    public mutating func setHeader(_ name: String, to value: String) throws(HeaderError) {
        headers[try HeaderError.checked(name: name)] = try HeaderError.checked(value: value)
    }
}

/// The part of a reply that asks for a WebSocket.
final class Upgrade: Sendable {
    let subprotocol: String?
    let options: UpgradeOptions
    let door: Door

    init(subprotocol: String?, options: UpgradeOptions, door: Door) {
        self.subprotocol = subprotocol
        self.options = options
        self.door = door
    }
}
