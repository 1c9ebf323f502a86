// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@testable import WSServer

@Suite("A reply") struct ReplyTests {
    @Test func `is made of status, fields and body`() {
        let reply = Reply.reply(.created, headers: [.location: "/1"], body: [1])
        #expect(reply.status == .created)
        #expect(reply.headers == [.location: "/1"])
        #expect(reply.body == [1])
        #expect(!reply.isUpgrade)
        #expect(Reply.html("<p>").headers[.contentType] == "text/html; charset=utf-8")
        #expect(Reply.html("<p>").status == .ok)
        #expect(Reply.text("no", status: .notFound).status == .notFound)
        #expect(Reply.text("no").text == "no")
    }

    @Test func `that upgrades keeps what the handshake needs`() async throws {
        let options = UpgradeOptions(messageSizeMaxBytes: 7, showsControlFrames: true)
        let reply = Reply.upgrade(
            subprotocol: "chat", headers: [.setCookie: "a=b"], options: options
        ) { _ in }
        #expect(reply.isUpgrade)
        #expect(reply.headers == [.setCookie: "a=b"])
        let upgrade = try #require(reply.upgrade)
        #expect(upgrade.subprotocol == "chat")
        #expect(upgrade.options.messageSizeMaxBytes == 7)
        #expect(upgrade.options.showsControlFrames)
        #expect(upgrade.options.origin == nil)
    }

    @Test func `takes fields from plain strings, in the place of others of that name`() throws {
        var reply = Reply.reply(.ok, headers: [.location: "/1"])
        try reply.setHeader("LOCATION", to: "/2")
        try reply.setHeader("X-Any", to: "a b\tc")
        try reply.setHeader("X-Empty", to: "")
        #expect(reply.headers[values: .location] == ["/2"])
        #expect(reply.headers.count == 3)
    }

    @Test(
        "throws on names and values that would change the head",
        arguments: [
            ("", "a", HeaderError.Kind.invalidName), ("A B", "a", .invalidName),
            ("A:", "a", .invalidName), (":status", "200", .invalidName),
            ("A\r\nB", "a", .invalidName), ("\u{E9}", "a", .invalidName),
            ("A", "a\r\nB: c", .invalidValue), ("A", "a\nb", .invalidValue),
            ("A", "a\rb", .invalidValue), ("A", "a\0b", .invalidValue),
            ("A", "\u{1B}[0m", .invalidValue), ("A", "\u{7F}", .invalidValue),
            ("A", " a", .invalidValue), ("A", "a\t", .invalidValue), ("A", "\r\n", .invalidValue),
        ])
    func throwsOn(name: String, value: String, kind: HeaderError.Kind) throws {
        var reply = Reply.reply(.ok, headers: [.location: "/1"])
        let error = try #require(throws: HeaderError.self) {
            try reply.setHeader(name, to: value)
        }
        #expect(error.kind == kind)
        #expect(reply.headers == [.location: "/1"])
    }

    @Test(
        "of the server itself says its status and no more",
        arguments: [400, 404, 405, 408, 413, 414, 417, 426, 431, 500, 501, 503, 505])
    func ofTheServer(code: Int) throws {
        let status = try #require(
            [
                .badRequest, .notFound, .methodNotAllowed, .requestTimeout, .contentTooLarge,
                .uriTooLong, .expectationFailed, .upgradeRequired, .requestHeaderFieldsTooLarge,
                .internalServerError, .notImplemented, .serviceUnavailable,
                .httpVersionNotSupported,
            ].first { (status: HTTPResponse.Status) in status.code == code })
        let reply = Reply.plain(status)
        #expect(!reply.body.isEmpty)
        #expect(reply.text == status.reasonPhrase)
        #expect(reply.headers == [.contentType: "text/plain; charset=utf-8"])
    }
}

extension Reply {
    var text: String { String(decoding: body, as: UTF8.self) }
}
