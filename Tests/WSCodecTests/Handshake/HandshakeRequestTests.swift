// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@Suite("RFC 6455 section 4.2.1: judging the client's request") struct HandshakeRequestTests {
    @Test func `the sample of section 1.2 is a good handshake`() throws {
        guard case .head(let head, _) = feedHead(sampleHandshake) else {
            Issue.record("no head")
            return
        }
        let request = try HandshakeRequest(validating: head)
        #expect(request.key == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(request.host == "server.example.com")
        #expect(request.target == "/chat")
        #expect(request.subprotocols == ["chat", "superchat"])
        #expect(request.extensions == [])
        #expect(request.origin == "http://example.com")
        // Section 4.2.2, and the example of section 1.3.
        #expect(request.acceptKey == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(
        "a handshake is recognised over several lines and in any case",
        arguments: [
            (["Upgrade: websocket", "Connection: upgrade"], true),
            (["upgrade: WebSocket", "CONNECTION: keep-alive, UPGRADE"], true),
            (["Upgrade: h2c, websocket", "Connection: keep-alive", "Connection: Upgrade"], true),
            (["Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade"], true),
            // Everything else is plain HTTP.
            (["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"], false),
            (["Upgrade: websockets", "Connection: Upgrade"], false),
            (["Upgrade: web socket", "Connection: Upgrade"], false),
            (["Upgrade: websocket/13", "Connection: Upgrade"], false),
            (["Upgrade: websocket"], false), (["Connection: Upgrade"], false),
            (["Upgrade: websocket", "Connection: keep-alive"], false), ([], false),
            (["X-Upgrade: websocket", "Connection: Upgrade"], false),
        ] as [([String], Bool)])
    func recognised(fields: [String], isHandshake: Bool) throws {
        let head = try requestHead(["GET / HTTP/1.1", "Host: a"] + fields)
        #expect(head.isHandshake == isHandshake)
        if !isHandshake { #expect(reason(head) == .notAHandshake) }
    }

    private func reason(_ head: RequestHead) -> HandshakeError.Reason? {
        do {
            _ = try HandshakeRequest(validating: head)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "a handshake is refused",
        arguments: [
            // A body after the head, which a proxy might take for frames or the other way about.
            ("GET / HTTP/1.1", [], ["Content-Length: 1"], .hasBody),
            ("GET / HTTP/1.1", [], ["Transfer-Encoding: chunked"], .hasBody),
            ("POST / HTTP/1.0", [], ["Content-Length: 1"], .hasBody),
            // Not GET, or HTTP/1.0, which has no Upgrade.
            ("GET / HTTP/1.0", [], [], .http10), ("POST / HTTP/1.0", [], [], .http10),
            ("POST / HTTP/1.1", [], [], .methodNotGet), ("get / HTTP/1.1", [], [], .methodNotGet),
            ("HEAD / HTTP/1.1", [], [], .methodNotGet),
            // Section 4.2.1, item 6: the version.
            ("GET / HTTP/1.1", ["Sec-WebSocket-Version"], [], .missingVersion),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Version"], ["Sec-WebSocket-Version: 8"],
                .unsupportedVersion
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Version"], ["Sec-WebSocket-Version: 013"],
                .unsupportedVersion
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Version"], ["Sec-WebSocket-Version: 13, 8"],
                .unsupportedVersion
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Version"], ["Sec-WebSocket-Version:"],
                .unsupportedVersion
            ),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Version: 13"], .duplicateVersion),
            // Section 4.2.1, item 5: the key.
            ("GET / HTTP/1.1", ["Sec-WebSocket-Key"], [], .missingKey),
            (
                "GET / HTTP/1.1", [], ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
                .duplicateKey
            ),
            ("GET / HTTP/1.1", ["Sec-WebSocket-Key"], ["Sec-WebSocket-Key:"], .invalidKey),
            // 15 and 17 octets, no padding, non-zero trailing bits, other alphabets, white space.
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"],
                .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWE="], .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"], .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="], .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j-_=="], .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ=="], .invalidKey
            ),
            (
                "GET / HTTP/1.1", ["Sec-WebSocket-Key"],
                ["Sec-WebSocket-Key: \"dGhlIHNhbXBsZSBub25jZQ"], .invalidKey
            ),
            // Section 4.1: elements of Sec-WebSocket-Protocol are tokens, each once.
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: a b"], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: a;b"], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: \"a\""], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: \u{E9}"], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol:"], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: ,,"], .malformedSubprotocols),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: a, b, a"], .duplicateSubprotocol),
            (
                "GET / HTTP/1.1", [], ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"],
                .duplicateSubprotocol
            ),
            // Section 9.1; its grammar has a suite of its own.
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Extensions: a;"], .malformedExtensions),
            ("GET / HTTP/1.1", [], ["Sec-WebSocket-Extensions:"], .malformedExtensions),
        ] as [(String, [String], [String], HandshakeError.Reason)])
    func refused(
        line: String, without: [String], adding: [String], reason expected: HandshakeError.Reason
    ) throws {
        let head = try handshakeHead(line: line, without: without, adding: adding)
        #expect(head.isHandshake)
        #expect(reason(head) == expected)
    }

    @Test func `each reason has its status and fields`() throws {
        let upgrade: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
        ]
        let heads: [(RequestHead, HandshakeError.Reason, Int, HTTPFields)] = [
            (try requestHead(["GET / HTTP/1.1", "Host: a"]), .notAHandshake, 426, upgrade),
            (
                try handshakeHead(without: ["Sec-WebSocket-Version"]), .missingVersion, 426, upgrade
            ),
            (
                try handshakeHead(
                    without: ["Sec-WebSocket-Version"], adding: ["Sec-WebSocket-Version: 25"]),
                .unsupportedVersion, 426, upgrade
            ),
            (
                try handshakeHead(line: "POST / HTTP/1.1"), .methodNotGet, 405, [.allow: "GET"]
            ),
            (try handshakeHead(line: "GET / HTTP/1.0"), .http10, 400, [:]),
            (try handshakeHead(adding: ["Content-Length: 1"]), .hasBody, 400, [:]),
            (try handshakeHead(without: ["Sec-WebSocket-Key"]), .missingKey, 400, [:]),
        ]
        for (head, reason, status, fields) in heads {
            let error = #expect(throws: HandshakeError.self) {
                try HandshakeRequest(validating: head)
            }
            #expect(error?.reason == reason && error?.status.code == status)
            #expect(error?.headerFields == fields)
        }
    }

    @Test(
        "a subprotocol is chosen by the server's preference",
        arguments: [
            (["chat.v2", "chat.v1"], "chat.v2"), (["chat.v1", "chat.v2"], "chat.v1"),
            (["chat.v3", "chat.v1"], "chat.v1"), (["CHAT.V1"], nil), (["chat"], nil), ([], nil),
        ] as [([String], String?)])
    func chosen(preferences: [String], subprotocol: String?) throws {
        let head = try handshakeHead(adding: [
            "Sec-WebSocket-Protocol: chat.v1, ,chat.v2", "sec-websocket-protocol:other",
        ])
        let request = try HandshakeRequest(validating: head)
        #expect(request.subprotocols == ["chat.v1", "chat.v2", "other"])
        #expect(head.subprotocols == request.subprotocols)
        #expect(request.subprotocol(of: preferences) == subprotocol)
    }

    @Test func `a malformed list of subprotocols offers none`() throws {
        let head = try handshakeHead(adding: ["Sec-WebSocket-Protocol: a b"])
        #expect(head.subprotocols == [])
    }
}

@Suite("RFC 6455 section 10.2: Origin") struct OriginPolicyTests {
    @Test(
        "same host",
        arguments: [
            ("example.com", ["http://example.com"], true),
            ("example.com", ["https://example.com"], true),
            ("EXAMPLE.com", ["HTTPS://Example.COM"], true),
            ("example.com:443", ["https://example.com"], true),
            ("example.com:80", ["http://example.com"], true),
            ("example.com", ["http://example.com:80"], true),
            ("example.com", ["https://example.com:443"], true),
            ("example.com:9001", ["http://example.com:9001"], true),
            ("[::1]:9001", ["http://[::1]:9001"], true), ("127.0.0.1", ["http://127.0.0.1"], true),
            ("example.com", [], true),
            ("example.com", ["http://example.com:443"], false),
            ("example.com", ["https://example.com:80"], false),
            ("example.com:9001", ["http://example.com"], false),
            ("example.com:9001", ["http://example.com:9002"], false),
            ("example.com", ["http://example.com.evil.test"], false),
            ("example.com", ["http://evil.test"], false),
            ("example.com", ["http://evilexample.com"], false),
            ("example.com", ["http://sub.example.com"], false),
            ("example.com", ["null"], false), ("null", ["null"], false),
            ("example.com", [""], false),
            ("example.com", ["example.com"], false), ("example.com", ["//example.com"], false),
            ("example.com", ["http:/example.com"], false), ("example.com", ["http://"], false),
            ("example.com", ["http://example.com/"], false),
            ("example.com", ["http://example.com?x"], false),
            ("example.com", ["http://user@example.com"], false),
            ("example.com", ["http://example.com http://example.com"], false),
            ("example.com", ["http://evil.test, http://example.com"], false),
            ("example.com", ["http://example.com", "http://example.com"], false),
            ("example.com", ["chrome-extension://example.com"], false),
            ("example.com", ["file://"], false), ("example.com", ["://example.com"], false),
        ] as [(String, [String], Bool)])
    func sameHost(host: String, origins: [String], isAllowed: Bool) throws {
        let head = try requestHead(
            ["GET / HTTP/1.1", "Host: \(host)"] + origins.map { "Origin: \($0)" })
        #expect(OriginPolicy.sameHost.allows(head) == isAllowed)
        #expect(OriginPolicy.any.allows(head))
        if origins.isEmpty { #expect(OriginPolicy.list([]).allows(head)) }
    }

    @Test func `without Host no page has the same one`() throws {
        #expect(
            !OriginPolicy.sameHost.allows(
                try requestHead(["GET / HTTP/1.0", "Origin: http://a"])))
    }

    @Test(
        "list",
        arguments: [
            ("https://example.com", true), ("https://EXAMPLE.com:443", true),
            ("http://example.com", false), ("https://example.com:8443", false),
            ("http://other.test:8080", true), ("http://other.test", false),
            ("chrome-extension://abcdef", true), ("chrome-extension://abcdee", false),
            ("null", false), ("", false),
        ])
    func list(origin: String, isAllowed: Bool) throws {
        let policy = OriginPolicy.list([
            "https://example.com", "http://Other.test:8080", "chrome-extension://abcdef", "null",
            "nonsense",
        ])
        let head = try requestHead(["GET / HTTP/1.1", "Host: a", "Origin: \(origin)"])
        #expect(policy.allows(head) == isAllowed)
    }

    @Test func `what can never match is told`() {
        for origin in ["https://example.com", "http://a:1", "http://[::1]", "app://x"] {
            #expect(OriginPolicy.isOrigin(origin))
        }
        for text in ["", "null", "*", "example.com", "https://example.com/", "http://a:99999"] {
            #expect(!OriginPolicy.isOrigin(text))
        }
    }
}
