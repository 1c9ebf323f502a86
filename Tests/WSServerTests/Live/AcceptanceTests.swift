// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSServer
import WireSamples

/// What the 101 carries, who gets one, and what stands behind the request (RFC 6455 section 4.2.2).
@Suite("RFC 6455 section 4.2.2: the server's handshake") struct AcceptanceTests {
    /// A 101 with further field lines behind the three of every 101.
    private static func accepted(_ lines: String...) -> HTTPReply {
        HTTPReply(
            statusLine: "HTTP/1.1 101 Switching Protocols",
            fields: [
                "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Accept: \(RawClient.acceptKey)",
            ] + lines)
    }

    private static let forbidden = HTTPReply(
        statusLine: "HTTP/1.1 403 Forbidden",
        fields: [
            "Connection: close", "Content-Type: text/plain; charset=utf-8", "Content-Length: 9",
        ], body: "Forbidden", hasDate: true)

    private static let internalError = HTTPReply(
        statusLine: "HTTP/1.1 500 Internal Server Error",
        fields: [
            "Connection: close", "Content-Type: text/plain; charset=utf-8", "Content-Length: 21",
        ], body: "Internal Server Error", hasDate: true)

    // MARK: Subprotocols

    @Test(arguments: Setup.all)
    func `the 101 names the subprotocol chosen, and none that is only offered`(
        setup: Setup
    ) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/chat") { request in
            setup.echo(subprotocol: request.subprotocol(of: ["chat.v2", "chat.v1"]), runs: runs)
        }
        router.get("/stubborn") { _ in setup.echo(subprotocol: "chat.v2", runs: runs) }
        let cases: [(path: String, offer: [String], HTTPReply)] = [
            // The server's order decides, not the client's.
            (
                "/chat", ["Sec-WebSocket-Protocol: chat.v1, chat.v2"],
                Self.accepted("Sec-WebSocket-Protocol: chat.v2")
            ),
            // One list may stand in several lines.
            (
                "/chat", ["Sec-WebSocket-Protocol: mqtt", "Sec-WebSocket-Protocol: chat.v1"],
                Self.accepted("Sec-WebSocket-Protocol: chat.v1")
            ),
            ("/chat", ["Sec-WebSocket-Protocol: mqtt"], Self.accepted()),
            // Subprotocols are told apart by case.
            ("/chat", ["Sec-WebSocket-Protocol: CHAT.V2"], Self.accepted()),
            ("/chat", [], Self.accepted()),
            // A client must fail the connection over a choice that it did not offer: our mistake.
            ("/stubborn", ["Sec-WebSocket-Protocol: chat.v1"], Self.internalError),
            ("/stubborn", [], Self.internalError),
        ]
        try await withServer(router, setup.configuration()) { _, address in
            for (path, offer, reply) in cases {
                let client = try RawClient(address)
                try client.send(RawClient.handshake(path, offer))
                #expect(try client.readReply() == reply, "\(path) \(offer)")
                if reply.status == 101 { try client.closeCleanly() } else { try client.readEnd() }
            }
        }
        #expect(runs.value == 5)
    }

    // MARK: Origin

    /// A page that the user happens to look at must not speak with the user's cookies
    /// (RFC 6455 section 10.2). Clients that are no browsers send no Origin.
    @Test(arguments: Setup.all)
    func `a page of another origin is refused, unless an option lets it in`(
        setup: Setup
    ) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/default") { _ in setup.echo(runs: runs) }
        router.get("/listed") { _ in
            setup.echo(options: .init(origin: .list(["https://app.example.com"])), runs: runs)
        }
        router.get("/any") { _ in setup.echo(options: .init(origin: .any), runs: runs) }
        let other = ["Origin: https://evil.example.com"]
        let cases: [(path: String, origins: [String], isLetIn: Bool)] = [
            ("/default", [], true),
            ("/default", ["Origin: http://server.example.com"], true),
            // TLS may end before us.
            ("/default", ["Origin: https://server.example.com"], true),
            ("/default", ["Origin: HTTPS://Server.Example.COM"], true),
            ("/default", other, false),
            ("/default", ["Origin: http://server.example.com:8080"], false),
            ("/default", ["Origin: http://server.example.com.evil.com"], false),
            ("/default", ["Origin: http://evil.com/server.example.com"], false),
            ("/default", ["Origin: null"], false),
            ("/default", ["Origin: "], false),
            ("/default", ["Origin: http://server.example.com", other[0]], false),
            ("/listed", [], true),
            ("/listed", ["Origin: https://app.example.com"], true),
            ("/listed", ["Origin: http://app.example.com"], false),
            ("/listed", ["Origin: http://server.example.com"], false),
            ("/any", other, true),
            ("/any", ["Origin: null"], true),
        ]
        try await withServer(router, setup.configuration()) { _, address in
            for (path, origins, isLetIn) in cases {
                let client = try RawClient(address)
                try client.send(RawClient.handshake(path, origins))
                let reply = try client.readReply()
                #expect(
                    reply == (isLetIn ? Self.accepted() : Self.forbidden), "\(path) \(origins)")
                if isLetIn { try client.closeCleanly() } else { try client.readEnd() }
            }
        }
        #expect(runs.value == cases.count { $0.isLetIn })
    }

    @Test func `the server's policy holds where the upgrade has none`() async throws {
        let runs = Counter()
        var router = Router()
        router.get("/") { _ in .upgrade { _ in runs.increment() } }
        let configuration = WebSocketServer.Configuration.forTests(.epoll) {
            $0.origin = .list(["https://app.example.com"])
        }
        try await withServer(router, configuration) { _, address in
            for (origin, status) in [("https://app.example.com", 101), ("http://localhost", 403)] {
                let client = try RawClient(address)
                try client.send(RawClient.handshake("/", ["Origin: \(origin)"]))
                #expect(try client.readReply().status == status)
            }
        }
        #expect(runs.value == 1)
    }

    // MARK: Octets behind the request

    @Test(arguments: Setup.all)
    func `frames in the segment of the request are the first messages`(setup: Setup) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/now") { _ in setup.echo(runs: runs) }
        router.get("/later") { _ in
            await Task.yield()
            return setup.echo(runs: runs)
        }
        let frames: [WireFrame] = [
            .text("first"), .text("sec", isFinal: false), .ping([7]), .continuation("ond"),
            .close(1000),
        ]
        let octets = frames.flatMap { $0.octets(to: .server) }
        let expected: [ServerFrame] = [
            .text("first"), .pong([7]), .text("second"), .close(1000),
        ]
        try await withServer(router, setup.configuration()) { _, address in
            for path in ["/now", "/later"] {
                let request = Array(RawClient.handshake(path).utf8)
                // All of the frames, and every part of them down to none, behind the request.
                for behind in stride(from: octets.count, through: 0, by: -1) {
                    let client = try RawClient(address)
                    try client.send(request + octets[..<behind])
                    #expect(try client.readReply() == Self.accepted())
                    try client.send(octets[behind...])
                    let (received, end) = try client.readFramesToEnd()
                    // A pong may overtake messages that a handler has not answered yet.
                    #expect(
                        received.filter { $0.opcode != 10 } == expected.filter { $0.opcode != 10 })
                    #expect(received.filter { $0.opcode == 10 } == [.pong([7])])
                    #expect(received.last == .close(1000))
                    #expect(end == .fin)
                }
                // The request cut where its end shows, with a frame behind.
                for cut in request.count - 5...request.count {
                    let client = try RawClient(address)
                    try client.send(pieces: [request[..<cut], request[cut...] + octets[...]])
                    #expect(try client.readReply() == Self.accepted())
                    #expect(try client.readFramesToEnd().frames.last == .close(1000))
                }
            }
        }
    }

    @Test(arguments: Setup.all)
    func `a handshake behind an ordinary request upgrades in its turn`(setup: Setup) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/echo") { _ in setup.echo(runs: runs) }
        router.get("/plain") { _ in
            await Task.yield()
            return .text("plain")
        }
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address)
            let plain = "GET /plain HTTP/1.1\r\nHost: server.example.com\r\n\r\n"
            let hello = WireFrame.text("Hello").octets(to: .server)
            try client.send(Array((plain + plain + RawClient.handshake("/echo")).utf8) + hello)
            #expect(try client.readReply().body == "plain")
            #expect(try client.readReply().body == "plain")
            #expect(try client.readReply() == Self.accepted())
            #expect(try client.readFrame() == .text("Hello"))
            try client.closeCleanly()
        }
        #expect(runs.value == 1)
    }

    // MARK: Further headers

    @Test(arguments: Setup.all)
    func `an upgrade adds its own header fields to the 101`(setup: Setup) async throws {
        let runs = Counter()
        let room = try #require(HTTPField.Name("X-Room"))
        var router = Router()
        router.get("/") { request in
            var headers = HTTPFields()
            headers.append(HTTPField(name: .setCookie, value: "a=1; HttpOnly"))
            headers.append(HTTPField(name: .setCookie, value: "b=2"))
            headers[room] = "blue"
            return setup.echo(
                subprotocol: request.subprotocols.first, headers: headers, runs: runs)
        }
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address)
            try client.send(RawClient.handshake("/", ["Sec-WebSocket-Protocol: chat"]))
            #expect(
                try client.readReply()
                    == Self.accepted(
                        "Sec-WebSocket-Protocol: chat", "Set-Cookie: a=1; HttpOnly",
                        "Set-Cookie: b=2", "X-Room: blue"))
            try client.closeCleanly()
        }
    }

    /// These are the handshake's own: a second one would make two meanings of one reply.
    @Test(arguments: Setup.all)
    func `a header field that is the handshake's own gets 500`(setup: Setup) async throws {
        let runs = Counter()
        var router = Router()
        let names = [
            "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
            "Upgrade", "Connection", "Content-Length", "Transfer-Encoding",
        ]
        for name in names {
            let field = try #require(HTTPField.Name(name))
            router.get("/\(name)") { _ in setup.echo(headers: [field: "x"], runs: runs) }
        }
        try await withServer(router, setup.configuration()) { _, address in
            for name in names {
                let client = try RawClient(address)
                try client.send(RawClient.handshake("/\(name)"))
                #expect(try client.readReply() == Self.internalError, "\(name)")
                #expect(try client.readEnd() == .fin)
            }
        }
        #expect(runs.value == 0)
    }
}
