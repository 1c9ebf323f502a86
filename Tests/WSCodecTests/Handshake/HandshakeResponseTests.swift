// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

/// The nonce of RFC 6455 section 1.3.
private let nonce = Array("the sample nonce".utf8)

private func text(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }

private func sampleRequest(_ adding: String...) throws -> HandshakeRequest {
    try HandshakeRequest(validating: handshakeHead(adding: adding))
}

/// What is thrown where our own half of a handshake is made.
private func sendError(_ body: () throws(HandshakeSendError) -> Void) -> HandshakeSendError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

@Suite("RFC 6455 section 4.2.2: the server's answer") struct HandshakeAcceptTests {
    @Test func `the sample of section 1.3 is answered octet for octet`() throws {
        let request = try sampleRequest("Sec-WebSocket-Protocol: chat, superchat")
        let expected = """
            HTTP/1.1 101 Switching Protocols\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
            Sec-WebSocket-Protocol: chat\r
            \r

            """
        #expect(text(try HandshakeResponse.accept(request, subprotocol: "chat")) == expected)
    }

    @Test func `extensions and own fields follow`() throws {
        let request = try sampleRequest("Sec-WebSocket-Extensions: a, permessage-deflate; x")
        let octets = try HandshakeResponse.accept(
            request,
            extensions: [
                ExtensionOffer("permessage-deflate", [.init("server_max_window_bits", "12")]),
                ExtensionOffer("a"),
            ], headerFields: [.setCookie: "a=b", .setCookie: "c=\u{E9}"])
        let end = """
            Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12, a\r
            Set-Cookie: a=b\r
            Set-Cookie: c=\u{E9}\r
            \r

            """
        #expect(text(octets).hasSuffix(end))
        #expect(!text(octets).contains("Protocol:"))
    }

    @Test func `nothing is accepted that was not offered`() throws {
        let request = try sampleRequest(
            "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: a")
        for subprotocol in ["Chat", "chat2", "", "chat\r\nX: y", "chat, chat2"] {
            #expect(
                sendError { () throws(HandshakeSendError) in
                    _ = try HandshakeResponse.accept(request, subprotocol: subprotocol)
                } == .subprotocolNotOffered(subprotocol))
        }
        for (extensions, expected) in [
            ([ExtensionOffer("b")], .extensionNotOffered("b")),
            ([ExtensionOffer("a"), ExtensionOffer("a")], .duplicateExtension("a")),
            ([ExtensionOffer("a\r\n")], .invalidExtension("a\r\n")),
            ([ExtensionOffer("a", [.init("b c")])], .invalidExtension("a")),
            ([ExtensionOffer("a", [.init("b", "")])], .invalidExtension("a")),
            ([ExtensionOffer("a", [.init("b", "c\n")])], .invalidExtension("a")),
        ] as [([ExtensionOffer], HandshakeSendError)] {
            #expect(
                sendError { () throws(HandshakeSendError) in
                    _ = try HandshakeResponse.accept(request, extensions: extensions)
                } == expected)
        }
    }

    @Test(
        "fields that the handshake makes, or that frame a body, are reserved",
        arguments: [
            "Upgrade", "connection", "Sec-WebSocket-Accept", "sec-websocket-anything",
            "Content-Length", "Transfer-Encoding", "Host", "Keep-Alive", "Trailer", "TE",
        ])
    func reserved(name: String) throws {
        let fields = [HTTPField(name: try #require(HTTPField.Name(name)), value: "0")]
        let request = try sampleRequest()
        let expected = HandshakeSendError.field(.reservedName(name))
        #expect(
            sendError { () throws(HandshakeSendError) in
                _ = try HandshakeResponse.accept(request, headerFields: HTTPFields(fields))
            } == expected)
        #expect(
            sendError { () throws(HandshakeSendError) in
                _ = try request.encode(headerFields: HTTPFields(fields))
            } == expected)
    }

    /// HTTPTypes has lenient ways to make a field, so the octets are checked once more.
    @Test(arguments: [0x01, 0x08, 0x0B, 0x1B, 0x7F] as [UInt8])
    func `a control octet in a field is refused`(octet: UInt8) throws {
        let field = HTTPField(name: .setCookie, lenientValue: [0x61, octet])
        let request = try sampleRequest()
        #expect(
            sendError { () throws(HandshakeSendError) in
                _ = try HandshakeResponse.accept(request, headerFields: HTTPFields([field]))
            } == .field(.invalidValue(name: "Set-Cookie")))
    }
}

@Suite("Fields from an application's strings") struct CheckedFieldTests {
    @Test(
        "a value that would not arrive as it is throws",
        arguments: [
            "a\r\nX: y", "a\rb", "a\nb", "\0", "a\u{7F}", "\u{1B}[0m", " a", "a\t", "\r\n",
        ])
    func invalidValue(value: String) {
        #expect(throws: FieldError.invalidValue(name: "X")) {
            try HTTPField(checkedName: "X", value: value)
        }
    }

    @Test(arguments: ["", "a b", "a:", ":a", "a\r\n", "\u{E9}", "a\0"])
    func `a name that is no token throws`(name: String) {
        #expect(throws: FieldError.invalidName(name)) {
            try HTTPField(checkedName: name, value: "")
        }
    }

    @Test(arguments: ["", "a", "a b\tc", "\u{E9}\u{1F600}", "\"a\", b=c"])
    func `a good value stays as it is`(value: String) throws {
        let field = try HTTPField(checkedName: "X-Name", value: value)
        #expect(field.name.rawName == "X-Name" && field.value == value)
    }
}

@Suite("RFC 6455 section 4.1: the client's half") struct ClientHandshakeTests {
    @Test func `the sample of section 1.2 is encoded octet for octet`() throws {
        let request = try HandshakeRequest(
            host: "server.example.com", target: "/chat", nonce: nonce,
            subprotocols: ["chat", "superchat"], origin: "http://example.com")
        #expect(text(try request.encode()) == text(sampleHandshake))
    }

    @Test func `what would break the request throws`() {
        func error(
            host: String = "a", target: String = "/", nonce: [UInt8] = nonce,
            subprotocols: [String] = [], extensions: [ExtensionOffer] = [], origin: String? = nil
        ) -> HandshakeSendError? {
            sendError { () throws(HandshakeSendError) in
                _ = try HandshakeRequest(
                    host: host, target: target, nonce: nonce, subprotocols: subprotocols,
                    extensions: extensions, origin: origin)
            }
        }
        #expect(error() == nil)
        #expect(error(nonce: []) == .invalidNonce)
        #expect(error(nonce: nonce + [0]) == .invalidNonce)
        for host in ["", "a b", "a\r\n", "a/b", "u@a", "a:x", "http://a"] {
            #expect(error(host: host) == .invalidHost(host))
        }
        for target in ["", "a", "/ b", "/\r\nX: y", "/#", "/\u{E9}", "http://a/"] {
            #expect(error(target: target) == .invalidTarget(target))
        }
        for subprotocol in ["", "a b", "a,b", "a\r\nX: y", "\u{E9}"] {
            #expect(error(subprotocols: [subprotocol]) == .invalidSubprotocol(subprotocol))
        }
        #expect(error(subprotocols: ["a", "b", "a"]) == .duplicateSubprotocol("a"))
        #expect(error(extensions: [ExtensionOffer("a;b")]) == .invalidExtension("a;b"))
        for origin in ["", "a b", "http://a\r\n", "\u{E9}"] {
            #expect(error(origin: origin) == .invalidOrigin(origin))
        }
    }

    @Test func `client and server agree`() throws {
        let request = try HandshakeRequest(
            host: "[::1]:9001", target: "/a/b?c=%20", nonce: Array(0..<16),
            subprotocols: ["v2", "v1"],
            extensions: [ExtensionOffer("x", [.init("y", "1"), .init("z")]), ExtensionOffer("w")],
            origin: "https://[::1]:9001")
        let sent = try request.encode(headerFields: [.userAgent: "test", .cookie: "a=b"])
        guard case .head(let head, _) = feedHead(sent) else {
            Issue.record("no head")
            return
        }
        #expect(OriginPolicy.sameHost.allows(head))
        let received = try HandshakeRequest(validating: head)
        #expect(received == request)
        let answer = try HandshakeResponse.accept(
            received, subprotocol: received.subprotocol(of: ["v1"]),
            extensions: [ExtensionOffer("x", [.init("z")])], headerFields: [.server: "test"])
        for cut in 0...answer.count {
            let head = try #require(try responseHead(answer, cut: cut))
            let response = try HandshakeResponse(validating: head, for: request)
            #expect(response.subprotocol == "v1")
            #expect(response.extensions == [ExtensionOffer("x", [.init("z")])])
            #expect(head.value(of: "server") == "test")
        }
    }

    private func responseHead(_ octets: [UInt8], cut: Int) throws -> ResponseHead? {
        var parser = ResponseHeadParser()
        if let consumed = try parser.receive(octets.span.extracting(..<cut)) {
            #expect(consumed == octets.count)
            return parser.takeHead()
        }
        // What follows the head stays with the caller.
        let rest = octets[cut...] + [0x81, 0x00]
        guard let consumed = try parser.receive(rest.span) else { return nil }
        #expect(cut + consumed == octets.count)
        return parser.takeHead()
    }

    @Test(
        "an answer is refused",
        arguments: [
            (["HTTP/1.1 200 OK"], .refused), (["HTTP/1.1 426 Upgrade Required"], .refused),
            (["HTTP/1.1 302 Found", "Location: /x"], .refused), (["HTTP/1.1 100"], .refused),
            (["HTTP/1.0 101 Switching Protocols"], .http10),
            (["Upgrade: h2c"], .notWebSocket), (["Upgrade: websocket, h2c"], .notWebSocket),
            (["Upgrade:"], .notWebSocket), (["+Upgrade: websocket"], .notWebSocket),
            (["Connection: keep-alive"], .connectionNotUpgraded),
            (["+Content-Length: 1"], .hasBody), (["+Transfer-Encoding: chunked"], .hasBody),
            (["Sec-WebSocket-Accept:"], .acceptMismatch),
            (["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="], .acceptMismatch),
            (["Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="], .acceptMismatch),
            (
                ["+Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], .duplicateAccept
            ),
            (["+Sec-WebSocket-Protocol: other"], .subprotocolNotOffered),
            (["+Sec-WebSocket-Protocol: Chat"], .subprotocolNotOffered),
            (["+Sec-WebSocket-Protocol: chat, superchat"], .subprotocolNotOffered),
            (["+Sec-WebSocket-Protocol:"], .subprotocolNotOffered),
            (
                ["+Sec-WebSocket-Protocol: chat", "+Sec-WebSocket-Protocol: chat"],
                .duplicateSubprotocol
            ),
            (["+Sec-WebSocket-Extensions: y"], .extensionNotOffered),
            (["+Sec-WebSocket-Extensions: x, y"], .extensionNotOffered),
            (["+Sec-WebSocket-Extensions: x, x"], .duplicateExtensions),
            (
                ["+Sec-WebSocket-Extensions: x", "+Sec-WebSocket-Extensions: x"],
                .duplicateExtensions
            ),
            (["+Sec-WebSocket-Extensions: x;"], .malformedExtensions),
            (["+Sec-WebSocket-Extensions:"], .malformedExtensions),
        ] as [([String], HandshakeResponseError.Reason)])
    func refused(changes: [String], reason: HandshakeResponseError.Reason) throws {
        let request = try HandshakeRequest(
            host: "a", nonce: nonce, subprotocols: ["chat", "superchat"],
            extensions: [ExtensionOffer("x")])
        let head = try response(changes)
        let error = #expect(throws: HandshakeResponseError.self) {
            try HandshakeResponse(validating: head, for: request)
        }
        #expect(error?.reason == reason && error?.status == head.status)
    }

    @Test(
        "an answer is accepted",
        arguments: [
            [], ["Upgrade: WebSocket"], ["Connection: keep-alive, UPGRADE"], ["HTTP/1.1 101"],
            ["HTTP/1.1 101 "], ["+Content-Length: 0"], ["+Sec-WebSocket-Protocol: chat"],
            ["+Sec-WebSocket-Extensions: x;a=\"b\""],
        ])
    func accepted(changes: [String]) throws {
        let request = try HandshakeRequest(
            host: "a", nonce: nonce, subprotocols: ["chat"], extensions: [ExtensionOffer("x")])
        _ = try HandshakeResponse(validating: response(changes), for: request)
    }

    @Test(arguments: ["Upgrade", "Connection", "Sec-WebSocket-Accept"])
    func `an answer without one of its fields is refused`(name: String) throws {
        let request = try HandshakeRequest(host: "a", nonce: nonce)
        let lines = text(try HandshakeResponse.accept(request))
            .split(separator: "\r\n").filter { !$0.hasPrefix(name) }
        let octets = headText(lines.joined(separator: "\r\n") + "\r\n\r\n")
        let head = try #require(try responseHead(octets, cut: 0))
        let error = #expect(throws: HandshakeResponseError.self) {
            try HandshakeResponse(validating: head, for: request)
        }
        let reasons: [String: HandshakeResponseError.Reason] = [
            "Upgrade": .notWebSocket, "Connection": .connectionNotUpgraded,
        ]
        #expect(error?.reason == reasons[name] ?? .missingAccept)
    }

    /// The good answer to the sample, a line of it replaced, or (`+`) one added.
    private func response(_ changes: [String]) throws -> ResponseHead {
        var lines = [
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ]
        for change in changes {
            let start = change.prefix { $0 != ":" && $0 != "/" }
            if change.hasPrefix("+") {
                lines.append(String(change.dropFirst()))
            } else if let index = lines.firstIndex(where: { $0.hasPrefix(start) }) {
                lines[index] = change
            } else {
                lines.append(change)
            }
        }
        let octets = headText(lines.joined(separator: "\r\n") + "\r\n\r\n")
        return try #require(try responseHead(octets, cut: 0))
    }
}
