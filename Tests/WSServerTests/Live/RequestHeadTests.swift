// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// Heads that no client should send: each gets its status, the connection ends, and the server goes
/// on for others.
@Suite("RFC 9112: request heads on a live socket") struct RequestHeadTests {
    static let host = "Host: server.example.com\r\n"

    private static func router(_ runs: Counter = Counter()) -> Router {
        var router = Router()
        router.get("/plain") { _ in
            runs.increment()
            return .text("plain")
        }
        return router
    }

    /// Sends `octets`, and gives the status of the one reply before the end of the connection.
    private static func lastWord(
        _ address: WebSocketServer.ListeningAddress, _ octets: [UInt8], isCut: Bool = false
    ) throws -> Int {
        let client = try RawClient(address)
        if isCut {
            for octet in octets where try !client.sendWhileOpen([octet]) { break }
        } else {
            try client.sendWhileOpen(octets)
        }
        let reply = try client.readReply()
        #expect(reply.value(of: "connection")?.hasSuffix("close") == true)
        #expect(try client.readEnd() == .fin)
        return reply.status
    }

    private static func isServed(_ address: WebSocketServer.ListeningAddress) throws -> Bool {
        let client = try RawClient(address)
        try client.send("GET /plain HTTP/1.1\r\n\(host)\r\n")
        return try client.readReply().body == "plain"
    }

    // MARK: Sizes

    /// The octet that fills a limit is let through, the next one is not.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a request line above its limit gets 414, and not one octet earlier`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend)
        let limit = configuration.limits.requestLineMaxBytes
        try await withServer(Self.router(), configuration) { _, address in
            let frame = "GET /plain? HTTP/1.1".utf8.count
            for excess in [0, 1] {
                let padding = String(repeating: "a", count: limit - frame + excess)
                let octets = Array("GET /plain?\(padding) HTTP/1.1\r\n\(Self.host)\r\n".utf8)
                for isCut in [false, true] {
                    let client = try RawClient(address)
                    if isCut {
                        for octet in octets where try !client.sendWhileOpen([octet]) { break }
                    } else {
                        try client.send(octets)
                    }
                    #expect(try client.readReply().status == (excess == 0 ? 200 : 414))
                }
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `one huge header field gets 431 when the head passes its limit`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend)
        let limit = configuration.limits.requestHeadMaxBytes
        let runs = Counter()
        try await withServer(Self.router(runs), configuration) { server, address in
            let frame = "GET /plain HTTP/1.1\r\n\(Self.host)Cookie: \r\n\r\n".utf8.count
            func head(_ size: Int) -> [UInt8] {
                let padding = String(repeating: "a", count: size - frame)
                return Array("GET /plain HTTP/1.1\r\n\(Self.host)Cookie: \(padding)\r\n\r\n".utf8)
            }
            let client = try RawClient(address)
            try client.send(head(limit))
            #expect(try client.readReply().status == 200)
            client.close()
            #expect(try Self.lastWord(address, head(limit + 1)) == 431)
            #expect(try Self.lastWord(address, head(limit + 1), isCut: true) == 431)
            // A bomb without end is not read to its end.
            let bomb = try RawClient(address)
            let start = "GET /plain HTTP/1.1\r\n\(Self.host)Cookie: "
            try bomb.sendWhileOpen(Array(start.utf8) + Array(repeating: 0x61, count: 20 << 20))
            #expect(try bomb.readReply().status == 431)
            bomb.close()
            #expect(try Self.isServed(address))
        }
        #expect(runs.value == 2)
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `many small header fields get 431 above their number`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend)
        let limit = configuration.limits.fieldCountMax
        try await withServer(Self.router(), configuration) { _, address in
            // Host is one of them.
            func head(_ count: Int) -> [UInt8] {
                let fields = String(repeating: "A: b\r\n", count: count - 1)
                return Array("GET /plain HTTP/1.1\r\n\(Self.host)\(fields)\r\n".utf8)
            }
            let client = try RawClient(address)
            try client.send(head(limit))
            #expect(try client.readReply().status == 200)
            #expect(try Self.lastWord(address, head(limit + 1)) == 431)
            #expect(try Self.lastWord(address, head(limit + 1), isCut: true) == 431)
            #expect(try Self.isServed(address))
        }
    }

    // MARK: Time

    /// The time runs from the start, not from the latest octet: a client gains nothing by sending
    /// one now and then.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a head that drips in gets 408 at its absolute deadline`(
        backend: WebSocketServer.Backend
    ) async throws {
        let limit = Duration.milliseconds(300)
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.requestHeadTimeout = limit
            $0.limits.keepAliveTimeout = .seconds(60)
        }
        try await withServer(Self.router(), configuration) { _, address in
            for prefix in ["", "GET /plain HTTP/1.1\r\n\(Self.host)\r\n"] {
                let client = try RawClient(address)
                // The second time round, the deadline is that of the second request.
                if !prefix.isEmpty {
                    try client.send(prefix)
                    #expect(try client.readReply().status == 200)
                }
                let start = ContinuousClock.now
                let drip = try client.drip(
                    "GET /plain HTTP/1.1\r\nHost: server.example.com\r\nCookie: ",
                    every: .milliseconds(10))
                #expect(drip >= 5, "the client was never slow")
                #expect(try client.readReply().status == 408)
                // The loop's clock may be a turn behind ours.
                #expect(start.duration(to: .now) > limit - .milliseconds(50))
                #expect(try client.readEnd() == .fin)
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a connection that says nothing ends without a word`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.requestHeadTimeout = .milliseconds(200)
            $0.limits.keepAliveTimeout = .milliseconds(100)
        }
        try await withServer(Self.router(), configuration) { _, address in
            let silent = try RawClient(address)
            #expect(try silent.readEnd() == .fin)
            let served = try RawClient(address)
            try served.send("GET /plain HTTP/1.1\r\n\(Self.host)\r\n")
            #expect(try served.readReply().status == 200)
            #expect(try served.readEnd() == .fin)
        }
    }

    // MARK: Syntax

    /// What hides a header field from one reader and shows it to another must be refused: a proxy
    /// and we would see two different requests.
    static let malformed: [(String, Int)] = [
        // RFC 9112 section 2.2: a bare CR is no line end.
        ("GET /plain HTTP/1.1\r\nHost: a\rTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX: y\r\rA: b\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\rHost: a\r\n\r\n", 400),
        // Nor is a bare LF, here.
        ("GET /plain HTTP/1.1\nHost: a\n\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
        // RFC 9110 section 5.5: no NUL, no control octets.
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX: y\u{7F}\r\n\r\n", 400),
        ("GET /pl\0ain HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        // RFC 9112 section 5.2: line folding.
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX: y\r\n\tContent-Length: 5\r\n\r\n", 400),
        // RFC 9112 section 5.1: no space before the colon, no empty name, no name without a colon.
        ("GET /plain HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", 400),
        // RFC 9112 section 3.2: exactly one Host, and a good one.
        ("GET /plain HTTP/1.1\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        // RFC 9112 section 3: the request line.
        ("GET  /plain HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /plain  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /plain\r\nHost: a\r\n\r\n", 400),
        ("GET plain HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (" GET /plain HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /plain HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET /plain http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /plain HTTP/1.x\r\nHost: a\r\n\r\n", 400),
        ("GET /plain HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        ("GET /plain HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        ("GET /plain HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET /plain HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        // RFC 9112 section 6.3: where the body ends must be certain.
        ("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        (
            "POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n", 400
        ),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        ("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST /plain HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ]

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a malformed head is refused whole and octet by octet, and nothing behind it is read`(
        backend: WebSocketServer.Backend
    ) async throws {
        let runs = Counter()
        try await withServer(Self.router(runs), .forTests(backend)) { _, address in
            let smuggled = "GET /plain HTTP/1.1\r\n\(Self.host)\r\n"
            for (head, status) in Self.malformed {
                for isCut in [false, true] {
                    let octets = Array((head + smuggled).utf8)
                    let word = try Self.lastWord(address, octets, isCut: isCut)
                    #expect(word == status, "\(head.debugDescription)")
                }
            }
            #expect(runs.value == 0)
            #expect(try Self.isServed(address))
        }
    }

    /// What a port that speaks plain HTTP gets from the wild.
    static let garbage: [(String, [UInt8], Int)] = [
        (
            "a TLS hello",
            [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + Array(repeating: 0xAB, count: 500), 400
        ),
        ("HTTP/2", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), 505),
        ("SSH", Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), 400),
        ("zeros", Array(repeating: 0, count: 4096), 400),
        ("all octets", Array(0...255), 400),
        ("a frame", [0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9], 400),
        ("many empty lines", Array(String(repeating: "\r\n", count: 50).utf8), 400),
        ("SOCKS", [5, 1, 0], 400),
        ("RDP", [3, 0, 0, 0x13, 0x0E, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0], 400),
    ]

    @Test(arguments: WebSocketServer.Backend.testable)
    func `garbage is refused on its first impossible octet`(
        backend: WebSocketServer.Backend
    ) async throws {
        try await withServer(Self.router(), .forTests(backend)) { _, address in
            for (name, octets, status) in Self.garbage {
                for isCut in [false, true] {
                    let word = try Self.lastWord(address, octets, isCut: isCut)
                    #expect(word == status, "\(name)")
                }
            }
            #expect(try Self.isServed(address))
        }
    }
}
