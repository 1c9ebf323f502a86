// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing

@testable import WSServer

@Suite("RFC 9112 section 4: replies") struct ReplyEncoderTests {
    private static let date = HTTPDate.octets(secondsSince1970: 784_111_777)
    private static let dateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    private func encoded(
        _ reply: Reply, _ persistence: ReplyEncoder.Persistence = .keptOpen, isHead: Bool = false
    ) throws -> String {
        var output = Array("before".utf8)
        try ReplyEncoder.encode(
            reply, date: Self.date, persistence: persistence, isHead: isHead, into: &output)
        let text = String(decoding: output, as: UTF8.self)
        #expect(text.hasPrefix("before"))
        return String(text.dropFirst("before".count))
    }

    @Test func `are a status line, a head in this order, and a body`() throws {
        var reply = Reply.text("h\u{E9}llo")
        reply.headers.append(HTTPField(name: .setCookie, value: "a=b"))
        reply.headers.append(HTTPField(name: .setCookie, value: "c=d; Secure"))
        #expect(
            try encoded(reply) == "HTTP/1.1 200 OK\r\n" + Self.dateLine
                + "Content-Type: text/plain; charset=utf-8\r\n"
                + "Set-Cookie: a=b\r\nSet-Cookie: c=d; Secure\r\n"
                + "Content-Length: 6\r\n\r\nh\u{E9}llo")
    }

    @Test func `say whether the connection stays`() throws {
        let start = "HTTP/1.1 200 OK\r\n" + Self.dateLine
        let end = "Content-Length: 0\r\n\r\n"
        #expect(try encoded(.reply(.ok), .keptOpen) == start + end)
        #expect(try encoded(.reply(.ok), .closed) == start + "Connection: close\r\n" + end)
        #expect(
            try encoded(.reply(.ok), .keptOpenAnnounced) == start + "Connection: keep-alive\r\n"
                + end)
    }

    @Test(arguments: [
        (ReplyEncoder.Persistence.keptOpen, "Upgrade"), (.closed, "Upgrade, close"),
        (.keptOpenAnnounced, "Upgrade, keep-alive"),
    ])
    func `with Upgrade name it in Connection`(
        persistence: ReplyEncoder.Persistence, options: String
    ) throws {
        // As the error of a handshake gives them.
        let headers: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
        ]
        #expect(
            try encoded(.plain(.upgradeRequired, headers: headers), persistence)
                == "HTTP/1.1 426 Upgrade Required\r\n" + Self.dateLine
                + "Connection: \(options)\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\n"
                + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Content-Length: 16\r\n\r\nUpgrade Required")
    }

    @Test(arguments: [204, 304])
    func `that end with their head have no length and no body`(code: Int) throws {
        let reply = Reply.reply(
            .init(code: code, reasonPhrase: "X"), headers: [.contentLength: "7", .eTag: "\"1\""],
            body: [1, 2])
        #expect(
            try encoded(reply) == "HTTP/1.1 \(code) X\r\n" + Self.dateLine + "ETag: \"1\"\r\n\r\n")
    }

    @Test func `that reset content have an empty body`() throws {
        #expect(
            try encoded(.reply(.resetContent, body: [1])) == "HTTP/1.1 205 Reset Content\r\n"
                + Self.dateLine + "Content-Length: 0\r\n\r\n")
    }

    @Test func `to HEAD have the length of the body but not the body`() throws {
        #expect(
            try encoded(.reply(.ok, body: Array(repeating: 0, count: 1234)), isHead: true)
                == "HTTP/1.1 200 OK\r\n" + Self.dateLine + "Content-Length: 1234\r\n\r\n")
        #expect(
            try encoded(.reply(.ok), isHead: true) == "HTTP/1.1 200 OK\r\n" + Self.dateLine
                + "\r\n")
    }

    /// Two lengths, or a length and chunks, would let a proxy and a client disagree where the next
    /// reply begins.
    @Test func `leave out what is the server's to say`() throws {
        let headers: HTTPFields = [
            .contentLength: "99", .transferEncoding: "chunked", .connection: "keep-alive, x",
            .date: "yesterday", .server: "mine",
        ]
        #expect(
            try encoded(.reply(.ok, headers: headers, body: [0x61]), .closed)
                == "HTTP/1.1 200 OK\r\n" + Self.dateLine + "Connection: close\r\nServer: mine\r\n"
                + "Content-Length: 1\r\n\r\na")
    }

    @Test func `keep a status without a reason, and octets above ASCII`() throws {
        let field = HTTPField(name: .location, value: [0x2F, 0xE9])
        var reply = Reply.reply(299)
        reply.headers.append(field)
        var output: [UInt8] = []
        try ReplyEncoder.encode(
            reply, date: Self.date, persistence: .keptOpen, isHead: false, into: &output)
        #expect(
            output == Array(("HTTP/1.1 299 \r\n" + Self.dateLine + "Location: /").utf8) + [0xE9]
                + Array("\r\nContent-Length: 0\r\n\r\n".utf8))
    }

    @Test(arguments: [0, 100, 101, 103, 199, 600, 999])
    func `need a final status`(code: Int) {
        #expect(throws: ReplyEncoder.Mistake.invalidStatus(code)) {
            try encoded(.reply(.init(code: code)))
        }
    }

    /// HTTPField turns CR, LF and NUL into spaces, but its lenient initialiser lets other control
    /// characters pass.
    @Test(arguments: [0x01, 0x08, 0x0B, 0x1B, 0x1F, 0x7F] as [UInt8])
    func `refuse values that no field may have, and write nothing`(octet: UInt8) {
        var output: [UInt8] = [1]
        let reply = Reply.reply(
            .ok,
            headers: HTTPFields([HTTPField(name: .server, lenientValue: [0x61, octet, 0x62])]))
        #expect(throws: ReplyEncoder.Mistake.invalidHeader("server")) {
            try ReplyEncoder.encode(
                reply, date: Self.date, persistence: .keptOpen, isHead: false, into: &output)
        }
        #expect(output == [1])
    }

    @Test func `cannot be split by a field's value`() throws {
        let reply = Reply.reply(.ok, headers: [.location: "/\r\nSet-Cookie: a=b\r\n\r\n\0"])
        #expect(try encoded(reply).split(separator: "\r\n").count == 4)
    }

    @Test func `to an expectation are one line`() {
        #expect(ReplyEncoder.continue == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
}
