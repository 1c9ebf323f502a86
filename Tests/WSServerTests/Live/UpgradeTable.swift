// SPDX-License-Identifier: Apache-2.0
import WSServer

/// What a request on the wire asks for: the rows of the table.
enum UpgradeRow: String, CaseIterable, Sendable {
    case noHandshake = "no handshake"
    case valid
    case wrongVersion = "wrong version"
    case badKey = "bad key"
    case twoKeys = "two keys"
    case post = "POST"
    case http10 = "HTTP/1.0"
    case withBody = "with a body"
    case h2c

    /// The request's octets for `path`.
    func octets(_ path: String) -> String {
        let key = "Sec-WebSocket-Key: \(RawClient.key)"
        let version = "Sec-WebSocket-Version: 13"
        let asked = ["Upgrade: websocket", "Connection: Upgrade"]
        let (method, http, lines, body): (String, String, [String], String) =
            switch self {
            case .noHandshake: ("GET", "1.1", [], "")
            case .valid: ("GET", "1.1", asked + [key, version], "")
            case .wrongVersion: ("GET", "1.1", asked + [key, "Sec-WebSocket-Version: 8"], "")
            case .badKey: ("GET", "1.1", asked + ["Sec-WebSocket-Key: c2hvcnQ=", version], "")
            case .twoKeys: ("GET", "1.1", asked + [key, key, version], "")
            case .post: ("POST", "1.1", asked + [key, version], "")
            case .http10: ("GET", "1.0", asked + [key, version], "")
            case .withBody: ("GET", "1.1", asked + [key, version, "Content-Length: 5"], "hello")
            case .h2c:
                (
                    "GET", "1.1",
                    [
                        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                        "HTTP2-Settings: AAMAAABk",
                    ],
                    ""
                )
            }
        let head = ["\(method) \(path) HTTP/\(http)", "Host: server.example.com"] + lines
        return head.joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}

/// What the server has for the request: the columns of the table.
enum UpgradeColumn: String, CaseIterable, Sendable {
    case upgrade = "/upgrade"
    case plain = "/plain"
    case notFound = "/nowhere"
    case wrongMethod = "/put"
    case middleware = "/intercepted"
    case handlerSays401 = "/secret"
    case handlerThrows = "/broken"
    /// The upgrade route, of a server that is shutting down.
    case draining = "/upgrade?draining"

    var path: String { rawValue }
}

/// What must come of a row at a column.
enum UpgradeOutcome: Sendable {
    /// 101, and the closure runs; octets behind the request are frames.
    case opened
    /// An ordinary reply, and the next request is answered.
    case kept(Int, allow: String? = nil)
    /// A reply with `Connection: close`; what follows is never read.
    case closed(Int, allow: String? = nil)
    /// The same, from before routing: no middleware sees it.
    case refused(Int)
}

extension UpgradeRow {
    /// What must come of this row, in the order of the columns: upgrade, plain, not found, wrong
    /// method, answered by middleware, handler says 401, handler throws, draining.
    ///
    /// Three rules make the whole table. Only an upgrade route judges the handshake; whoever else
    /// answers, answers as if none had been asked for. What looks like a handshake and is answered
    /// otherwise ends the connection, for a proxy in between may have begun to pass octets through.
    /// And the draining server still judges first: only a handshake that it would have accepted is
    /// told to come back later.
    var outcomes: [UpgradeOutcome] {
        switch self {
        case .noHandshake, .h2c:
            // An upgrade to anything else is plain HTTP: the connection goes on, and the upgrade
            // route says what it wants (426, RFC 9110 section 15.5.22).
            [
                .kept(426), .kept(200), .kept(404), .kept(405, allow: "PUT"), .kept(429),
                .kept(401), .kept(500), .closed(426),
            ]
        case .valid:
            [
                .opened, .closed(200), .closed(404), .closed(405, allow: "PUT"), .closed(429),
                .closed(401), .closed(500), .closed(503),
            ]
        case .wrongVersion:
            // 426 with the version we speak (RFC 6455 section 4.4).
            [
                .closed(426), .closed(200), .closed(404), .closed(405, allow: "PUT"),
                .closed(429), .closed(401), .closed(500), .closed(426),
            ]
        case .badKey, .twoKeys, .http10:
            // RFC 6455 section 4.2.1; HTTP/1.0 has no Upgrade and is always closed.
            [
                .closed(400), .closed(200), .closed(404), .closed(405, allow: "PUT"),
                .closed(429), .closed(401), .closed(500), .closed(400),
            ]
        case .post:
            // The upgrade, secret and broken routes take POST too, so that it is the handshake
            // that refuses it; the plain one does not.
            [
                .closed(405, allow: "GET"), .closed(405, allow: "GET, HEAD"), .closed(404),
                .closed(405, allow: "PUT"), .closed(429), .closed(401), .closed(500),
                .closed(405, allow: "GET"),
            ]
        case .withBody:
            // What would be frames to us may be a body to a proxy: not even routed.
            Array(repeating: .refused(400), count: UpgradeColumn.allCases.count)
        }
    }
}

extension UpgradeOutcome {
    /// The whole reply, but for Date.
    var reply: HTTPReply {
        switch self {
        case .opened:
            HTTPReply(
                statusLine: "HTTP/1.1 101 Switching Protocols",
                fields: [
                    "Upgrade: websocket", "Connection: Upgrade",
                    "Sec-WebSocket-Accept: \(RawClient.acceptKey)",
                ])
        case .kept(let status, let allow):
            Self.reply(status, allow: allow, isClosed: false, isSeenByMiddleware: true)
        case .closed(let status, let allow):
            Self.reply(status, allow: allow, isClosed: true, isSeenByMiddleware: true)
        case .refused(let status):
            Self.reply(status, allow: nil, isClosed: true, isSeenByMiddleware: false)
        }
    }

    private static func reply(
        _ status: Int, allow: String?, isClosed: Bool, isSeenByMiddleware: Bool
    ) -> HTTPReply {
        let (phrase, body, extra): (String, String?, [String]) =
            switch status {
            case 200: ("OK", "plain", [])
            case 400: ("Bad Request", nil, [])
            case 401: ("Unauthorized", "who?", ["WWW-Authenticate: Bearer"])
            case 404: ("Not Found", nil, [])
            case 405: ("Method Not Allowed", nil, ["Allow: \(allow ?? "")"])
            case 426:
                ("Upgrade Required", nil, ["Upgrade: websocket", "Sec-WebSocket-Version: 13"])
            case 429: ("Too Many Requests", "slowly", [])
            case 500: ("Internal Server Error", nil, [])
            case 503: ("Service Unavailable", nil, [])
            default: ("?", nil, [])
            }
        let connection: [String] =
            switch (status == 426, isClosed) {
            case (false, false): []
            case (false, true): ["Connection: close"]
            case (true, false): ["Connection: Upgrade"]
            case (true, true): ["Connection: Upgrade, close"]
            }
        let text = body ?? phrase
        return HTTPReply(
            statusLine: "HTTP/1.1 \(status) \(phrase)",
            fields: connection + ["Content-Type: text/plain; charset=utf-8"] + extra
                + (isSeenByMiddleware ? ["X-After: seen"] : [])
                + ["Content-Length: \(text.utf8.count)"],
            body: text, hasDate: true)
    }
}
