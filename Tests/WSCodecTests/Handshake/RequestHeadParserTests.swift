// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@Suite("RFC 9112: request heads") struct RequestHeadParserTests {
    @Test func `the sample of RFC 6455 section 1.2 is taken apart`() throws {
        guard case .head(let head, let consumed) = feedHead(sampleHandshake) else {
            Issue.record("no head")
            return
        }
        #expect(consumed == sampleHandshake.count)
        #expect(head.method == .get)
        #expect(head.target == "/chat")
        #expect(head.path == "/chat")
        #expect(head.query == nil)
        #expect(head.version == .http11)
        #expect(head.host == "server.example.com")
        #expect(head.fieldCount == 7)
        #expect(head.value(of: "sec-websocket-version") == "13")
        #expect(head.value(of: "SEC-WEBSOCKET-VERSION") == "13")
        #expect(head.value(of: "cookie") == nil)
        #expect(head.isHandshake && head.isKeepAlive && !head.hasBody)
        #expect(head.headerFields[.secWebSocketProtocol] == "chat, superchat")
        #expect(head.headerFields.map(\.name.rawName).first == "Host")
        #expect(head.subprotocols == ["chat", "superchat"])
        #expect(head.origin == "http://example.com")
    }

    static let goodHeads: [[UInt8]] = [
        sampleHandshake,
        headLines("GET / HTTP/1.1", "Host: a"),
        headLines("GET / HTTP/1.0"),
        headLines("GET / HTTP/1.0", "Connection: keep-alive"),
        headLines("get /?a=b?c HTTP/1.1", "Host: a:80"),
        headLines("OPTIONS * HTTP/1.1", "Host: [::1]:8080"),
        headLines("GET http://example.com:81/x?y HTTP/1.1", "Host: other"),
        headLines("POST /x HTTP/1.1", "Host:a", "Content-Length: 0005", "X-Empty:", "X-Blank: \t "),
        headLines("PUT /x HTTP/1.1", "HOST:\ta\t", "transfer-ENCODING:  Chunked"),
        headText("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        headText("GET /%7Bx%7D/[y]|z HTTP/1.1\r\nHost: a\r\nX: \u{E9}\u{1F600}\r\n\r\n"),
    ]

    /// A parser must not care how TCP cut the stream.
    @Test(arguments: goodHeads) func `a head survives any segmentation`(_ sample: [UInt8]) {
        let whole = feedHead(sample)
        guard case .head(let head, let consumed) = whole else {
            Issue.record("\(whole)")
            return
        }
        #expect(consumed == sample.count)
        #expect(feedHeadOctetByOctet(sample) == .head(head, consumed: sample.count))
        for cut in 0...sample.count {
            #expect(feedHead(sample, cuts: [cut]) == whole)
        }
        #expect(RequestHead(parsedBefore: head.octets) == head)
        // What follows stays with the caller, whatever it is.
        for tail in [[0x81, 0x00], headText("GET / HTTP/1.1\r\n"), [0]] as [[UInt8]] {
            #expect(feedHead(sample + tail) == whole)
        }
    }

    @Test(arguments: goodHeads) func `a head without its last octet is incomplete`(
        _ sample: [UInt8]
    ) {
        #expect(feedHead(sample.dropLast()) == .incomplete)
    }

    /// Each row: the head up to and including the octet that is wrong.
    @Test(
        "a head fails at its first impossible octet",
        arguments: [
            // Garbage: a TLS hello, HTTP/2, control octets, white space.
            ("\u{16}", .invalidMethod), ("\0", .invalidMethod), (" ", .invalidMethod),
            ("\n", .invalidMethod), ("GET\t", .invalidMethod), ("GET\r", .invalidMethod),
            ("\r\r", .bareCarriageReturn), ("\r\n\r\n\r", .invalidMethod), (":", .invalidMethod),
            ("PRI * HTTP/2", .unsupportedVersion), ("GET  ", .invalidTarget),
            ("GET ?", .invalidTarget), ("GET /\t", .invalidTarget), ("GET /\r", .invalidTarget),
            ("GET /\n", .invalidTarget), ("GET /a#", .invalidTarget), ("GET /\0", .invalidTarget),
            ("GET /\u{7F}", .invalidTarget), ("GET /<", .invalidTarget),
            ("GET / h", .invalidVersion), ("GET / HTTP/x", .invalidVersion),
            ("GET / HTTP/1,", .invalidVersion), ("GET / HTTP/1.x", .invalidVersion),
            ("GET / HTTP/0", .unsupportedVersion), ("GET / HTTP/3", .unsupportedVersion),
            ("GET / HTTP/1.2", .unsupportedVersion), ("GET / HTTP/1.1 ", .invalidVersion),
            ("GET / HTTP/1.11", .invalidVersion), ("GET /  ", .invalidVersion),
            ("GET / HTTP/1.1\n", .bareLineFeed), ("GET / HTTP/1.1\r\r", .bareCarriageReturn),
            // RFC 9112 section 3.2: forms of the target, known at the end of the line.
            ("CONNECT a:80 HTTP/1.1\r\n", .connectNotSupported),
            ("GET * HTTP/1.1\r\n", .invalidTarget), ("OPTIONS *x HTTP/1.1\r\n", .invalidTarget),
            ("GET a HTTP/1.1\r\n", .invalidTarget), ("GET ftp://a/ HTTP/1.1\r\n", .invalidTarget),
            ("GET http:/// HTTP/1.1\r\n", .invalidTarget),
            ("GET http://u@a/ HTTP/1.1\r\n", .invalidTarget),
            // RFC 9112 section 5: what hides or fabricates fields.
            ("GET / HTTP/1.1\r\n ", .obsoleteFolding), ("GET / HTTP/1.1\r\n\t", .obsoleteFolding),
            ("GET / HTTP/1.1\r\nHost: a\r\n ", .obsoleteFolding),
            ("GET / HTTP/1.1\r\nHost ", .spaceBeforeColon),
            ("GET / HTTP/1.1\r\nHost\t", .spaceBeforeColon),
            ("GET / HTTP/1.1\r\n:", .invalidFieldName),
            ("GET / HTTP/1.1\r\nHo\u{0}", .invalidFieldName),
            ("GET / HTTP/1.1\r\nHo(", .invalidFieldName),
            ("GET / HTTP/1.1\r\nHost\r", .invalidFieldName),
            ("GET / HTTP/1.1\r\n\"", .invalidFieldName),
            ("GET / HTTP/1.1\r\nX: \0", .invalidFieldValue),
            ("GET / HTTP/1.1\r\nX: a\u{0B}", .invalidFieldValue),
            ("GET / HTTP/1.1\r\nX: a\u{7F}", .invalidFieldValue),
            ("GET / HTTP/1.1\r\nX: a\u{1B}", .invalidFieldValue),
            ("GET / HTTP/1.1\r\nX: a\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nX: a\r\r", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nX: a\rT", .bareCarriageReturn),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
            ("GET / HTTP/1.1\r\nHost: a\r\n\rX", .bareCarriageReturn),
        ] as [(String, RequestError.Kind)])
    func failsAtOnce(prefix: String, kind: RequestError.Kind) {
        let sample = headText(prefix)
        #expect(feedHeadOctetByOctet(sample) == .failure(kind, at: sample.count))
        #expect(feedHeadOctetByOctet(sample.dropLast()) == .incomplete)
        for cut in 0...sample.count {
            guard case .failure(kind, _) = feedHead(sample + headText("x: y\r\n\r\n"), cuts: [cut])
            else {
                Issue.record("cut at \(cut)")
                return
            }
        }
    }

    @Test(
        "a complete head is refused",
        arguments: [
            // RFC 9112 section 3.2: Host.
            (["GET / HTTP/1.1"], .missingHost), (["GET / HTTP/1.1", "Hosts: a"], .missingHost),
            (["GET / HTTP/1.1", "Host: a", "Host: a"], .duplicateHost),
            (["GET / HTTP/1.0", "Host: a", "host: b"], .duplicateHost),
            (["GET / HTTP/1.1", "Host:"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a b"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a, b"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a/b"], .invalidHost),
            (["GET / HTTP/1.1", "Host: u@a"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a:b"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a:65536"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a:123456789012345678901"], .invalidHost),
            (["GET / HTTP/1.1", "Host: :80"], .invalidHost),
            (["GET / HTTP/1.1", "Host: [::1"], .invalidHost),
            (["GET / HTTP/1.1", "Host: [::1]x"], .invalidHost),
            (["GET / HTTP/1.1", "Host: a%2"], .invalidHost),
            (["GET / HTTP/1.1", "Host: \u{E9}"], .invalidHost),
            (["GET / HTTP/1.0", "Host: a b"], .invalidHost),
            // RFC 9112 section 6: where the body ends.
            (["GET / HTTP/1.1", "Host: a", "Content-Length:"], .invalidContentLength),
            (["GET / HTTP/1.1", "Host: a", "Content-Length: +1"], .invalidContentLength),
            (["GET / HTTP/1.1", "Host: a", "Content-Length: -1"], .invalidContentLength),
            (["GET / HTTP/1.1", "Host: a", "Content-Length: 0x1"], .invalidContentLength),
            (["GET / HTTP/1.1", "Host: a", "Content-Length: 1 1"], .invalidContentLength),
            (["GET / HTTP/1.1", "Host: a", "Content-Length: 5, 5"], .invalidContentLength),
            (
                ["GET / HTTP/1.1", "Host: a", "Content-Length: 9223372036854775808"],
                .invalidContentLength
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Content-Length: 99999999999999999999999999"],
                .invalidContentLength
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 5"],
                .duplicateContentLength
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 6"],
                .duplicateContentLength
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"],
                .contentLengthWithTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 0"],
                .contentLengthWithTransferEncoding
            ),
            (["GET / HTTP/1.1", "Host: a", "Transfer-Encoding:"], .invalidTransferEncoding),
            (["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip"], .invalidTransferEncoding),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked"],
                .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: identity"],
                .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, gzip"],
                .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, chunked"],
                .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked;a=b"],
                .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: \"chunked\""],
                .invalidTransferEncoding
            ),
            (
                [
                    "GET / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked",
                    "Transfer-Encoding: chunked",
                ], .invalidTransferEncoding
            ),
            (
                ["GET / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"],
                .unsupportedTransferEncoding
            ),
            (
                [
                    "GET / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip",
                    "Transfer-Encoding: chunked",
                ], .unsupportedTransferEncoding
            ),
            (["GET / HTTP/1.0", "Transfer-Encoding: chunked"], .transferEncodingInHTTP10),
        ] as [([String], RequestError.Kind)])
    func refused(lines: [String], kind: RequestError.Kind) {
        let sample = headText(lines.joined(separator: "\r\n") + "\r\n\r\n")
        #expect(feedHead(sample) == .failure(kind, at: sample.count))
        #expect(feedHeadOctetByOctet(sample) == .failure(kind, at: sample.count))
    }

    @Test func `each violation has its status`() {
        let others: [RequestError.Kind: Int] = [
            .requestLineTooLong: 414, .tooManyFields: 431, .headTooLarge: 431,
            .connectNotSupported: 501, .unsupportedTransferEncoding: 501, .unsupportedVersion: 505,
        ]
        for (sample, kind) in [
            ("CONNECT a:1 HTTP/1.1\r\n", .connectNotSupported), ("\0", .invalidMethod),
            ("GET / HTTP/2", .unsupportedVersion),
        ] as [(String, RequestError.Kind)] {
            var parser = RequestHeadParser()
            let error = headFailure(of: headText(sample), in: &parser)
            #expect(error?.kind == kind)
            #expect(error?.status.code == others[kind, default: 400])
        }
    }

    @Test func `an error is thrown again by every further call`() {
        var parser = RequestHeadParser()
        for _ in 0..<3 {
            #expect(headFailure(of: [0], in: &parser)?.kind == .invalidMethod)
        }
        #expect(headFailure(of: sampleHandshake, in: &parser)?.kind == .invalidMethod)
    }

    @Test func `pipelined heads are taken one after the other`() throws {
        let stream =
            headLines("GET /1 HTTP/1.1", "Host: a") + headLines("GET /2 HTTP/1.1", "Host: a")
            + headText("\r\n") + headLines("GET /3 HTTP/1.0")
        var parser = RequestHeadParser()
        var position = 0
        var paths: [String] = []
        while let consumed = try parser.receive(stream.span.extracting(position...)) {
            paths.append(parser.takeHead().path)
            position += consumed
        }
        #expect(paths == ["/1", "/2", "/3"])
        #expect(position == stream.count && !parser.isInsideHead)
    }

    @Test func `what the connection needs is worked out`() throws {
        let close = try requestHead(["GET / HTTP/1.1", "Host: a", "Connection: x, CLOSE ,y"])
        #expect(!close.isKeepAlive)
        #expect(try !requestHead(["GET / HTTP/1.0", "Connection: keep-alive"]).isKeepAlive)
        let body = try requestHead([
            "POST / HTTP/1.1", "Host: a", "Content-Length: 9223372036854775807",
            "Expect: 100-Continue",
        ])
        #expect(body.contentLength == .max && body.hasBody && body.expectsContinue)
        let none = try requestHead(["POST / HTTP/1.1", "Host: a", "Content-Length: 0"])
        #expect(none.contentLength == 0 && !none.hasBody && !none.expectsContinue)
        let chunked = try requestHead(["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: CHUNKED"])
        #expect(chunked.isChunked && chunked.hasBody && chunked.contentLength == nil)
    }

    @Test func `an absolute target stands above Host`() throws {
        let head = try requestHead(["GET HTTP://A.example:81?q HTTP/1.1", "Host: b"])
        #expect(head.host == "A.example:81")
        #expect(head.path == "/" && head.query == "q")
        #expect(head.target == "HTTP://A.example:81?q")
    }

    @Test func `values keep octets that are no UTF-8`() throws {
        let sample = headText("GET / HTTP/1.1\r\nHost: a\r\nX: ") + [0xE9] + headText("\r\n\r\n")
        guard case .head(let head, _) = feedHead(sample) else {
            Issue.record("no head")
            return
        }
        #expect(head.value(of: "x") == "\u{FFFD}")
        let name = try #require(HTTPField.Name("x"))
        let field = try #require(head.headerFields[fields: name].first)
        #expect(field.withUnsafeBytesOfValue { Array($0) } == [0xE9])
    }

    @Test func `lists run over several lines`() throws {
        let head = try requestHead([
            "GET / HTTP/1.1", "Host: a", "Connection: a,b", "connection:", "CONNECTION: ,c , d",
        ])
        for token in ["a", "B", "c", "D"] { #expect(head.hasToken(token, in: "connection")) }
        for token in ["", "a,b", "e", "c "] { #expect(!head.hasToken(token, in: "connection")) }
        #expect(head.values(of: "Connection") == ["a,b", "", ",c , d"])
    }
}

@Suite("Limits of a request head") struct RequestHeadLimitTests {
    private func line(_ count: Int) -> [UInt8] {
        let path = String(repeating: "a", count: count - "GET / HTTP/1.1".utf8.count)
        return headText("GET /\(path) HTTP/1.1")
    }

    @Test(arguments: [8192, 100]) func `a request line at the limit passes, one above gets 414`(
        limit: Int
    ) {
        let limits = HTTPLimits(requestLineMaxBytes: limit)
        let rest = headText("\r\nHost: a\r\n\r\n")
        guard case .head = feedHead(line(limit) + rest, limits: limits) else {
            Issue.record("at the limit")
            return
        }
        let above = line(limit + 1) + rest
        guard case .failure(.requestLineTooLong, _) = feedHead(above, limits: limits) else {
            Issue.record("one above")
            return
        }
        #expect(
            feedHeadOctetByOctet(above, limits: limits)
                == .failure(.requestLineTooLong, at: limit + 1))
    }

    @Test func `an endless method or target gets 414`() {
        for start in ["A", "GET /", "GET /?"] {
            let endless = headText(start) + [UInt8](repeating: 0x41, count: 9000)
            guard case .failure(.requestLineTooLong, _) = feedHead(endless) else {
                Issue.record("\(start)")
                return
            }
        }
    }

    /// One huge field.
    @Test(arguments: [16384, 64]) func `a head at the limit passes, one above gets 431`(
        limit: Int
    ) {
        let limits = HTTPLimits(headMaxBytes: limit)
        let start = headText("GET / HTTP/1.1\r\nHost: a\r\nX: ")
        let end = headText("\r\n\r\n")
        let filler = [UInt8](repeating: 0x61, count: limit - start.count - end.count)
        guard case .head = feedHead(start + filler + end, limits: limits),
            case .head = feedHeadOctetByOctet(start + filler + end, limits: limits)
        else {
            Issue.record("at the limit")
            return
        }
        let above = start + filler + [0x61] + end
        guard case .failure(.headTooLarge, _) = feedHead(above, limits: limits) else {
            Issue.record("one above")
            return
        }
        #expect(
            feedHeadOctetByOctet(above, limits: limits) == .failure(.headTooLarge, at: limit + 1))
    }

    /// Many small fields.
    @Test(arguments: [100, 1]) func `field lines at the limit pass, one above gets 431`(
        limit: Int
    ) {
        let limits = HTTPLimits(fieldCountMax: limit)
        let start = headText("GET / HTTP/1.1\r\nHost: a\r\n")
        let line = headText("a:\r\n")
        let fields = [[UInt8]](repeating: line, count: limit - 1).flatMap { $0 }
        guard case .head(let head, _) = feedHead(start + fields + headText("\r\n"), limits: limits)
        else {
            Issue.record("at the limit")
            return
        }
        #expect(head.fieldCount == limit && head.headerFields.count == limit)
        let above = start + fields + line
        #expect(
            feedHeadOctetByOctet(above, limits: limits)
                == .failure(.tooManyFields, at: above.count - 3))
    }

    @Test(arguments: [Int.min, -1, 0, 1, 2, 6, .max]) func `absurd limits trap nothing`(
        limit: Int
    ) {
        let limits = [
            HTTPLimits(requestLineMaxBytes: limit), HTTPLimits(headMaxBytes: limit),
            HTTPLimits(fieldCountMax: limit),
            HTTPLimits(requestLineMaxBytes: limit, headMaxBytes: limit, fieldCountMax: limit),
        ]
        for limits in limits {
            let whole = feedHead(sampleHandshake, limits: limits)
            if limit == .max {
                #expect(whole == feedHead(sampleHandshake))
            } else {
                guard case .failure = whole else {
                    Issue.record("\(limits)")
                    continue
                }
            }
        }
    }
}
