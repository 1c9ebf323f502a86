// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@testable import WSServer

@Suite("A request") struct RequestTests {
    @Test func `shows the parts of its head as they came`() throws {
        let request = try request(
            "PUT", "/a%20b/c?x=1&y=%20?", fields: "X-One:  1 \nx-one: 2\nCookie: a=b; c=d",
            body: [1, 2], parameters: ["c": "c"])
        #expect(request.method == .put)
        #expect(request.path == "/a%20b/c")
        #expect(request.query == "x=1&y=%20?")
        #expect(request.version == .http11)
        #expect(request.body == [1, 2])
        #expect(request.parameters == ["c": "c"])
        #expect(request.remoteAddress == "127.0.0.1")
        #expect(request.description == "PUT /a%20b/c")
    }

    @Test func `looks up single fields without regard to case`() throws {
        let request = try request(fields: "X-One:  1 \nx-one: 2\nAuthorization: Bearer t")
        #expect(request.value(of: .authorization) == "Bearer t")
        #expect(request.value(of: try #require(HTTPField.Name("x-ONE"))) == "1")
        #expect(request.value(of: .accept) == nil)
    }

    @Test func `builds its fields once, and all its copies share them`() async throws {
        let name = try #require(HTTPField.Name("X-One"))
        let request = try request(fields: "X-One: 1\nX-One: 2")
        let counts = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { request.headers.count }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 3, count: 8))
        #expect(request.headers[values: name] == ["1", "2"])
        let copy = request
        #expect(copy.headers == request.headers)
    }

    @Test func `is the same when only its octets were kept`() async throws {
        let request = try request(
            "GET", "/a%20b/c?x=1", fields: "X-One:  1 \nx-one: 2\nUpgrade: websocket",
            parameters: ["c": "c"])
        let kept = request.compact
        // Whoever asks first parses; all see one result.
        let paths = await withTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { kept.path } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(paths == Array(repeating: "/a%20b/c", count: 8))
        #expect(kept.head == request.head)
        #expect(kept.headers == request.headers)
        #expect(kept.parameters == ["c": "c"])
        #expect(kept.remoteAddress == "127.0.0.1")
        #expect(kept.compact.head == request.head)
    }

    @Test func `has no query without a question mark, and an empty one with nothing behind it`()
        throws
    {
        #expect(try request("GET", "/a").query == nil)
        #expect(try request("GET", "/a?").query == "")
    }

    @Test func `chooses the server's favourite among the subprotocols offered`() throws {
        let request = try request(
            fields: "Sec-WebSocket-Protocol: chat.v1, chat.v2\nSec-WebSocket-Protocol: CHAT.v3")
        #expect(request.subprotocols == ["chat.v1", "chat.v2", "CHAT.v3"])
        #expect(request.subprotocol(of: ["chat.v3", "chat.v2", "chat.v1"]) == "chat.v2")
        #expect(request.subprotocol(of: ["chat"]) == nil)
        #expect(request.subprotocol(of: []) == nil)
    }

    @Test func `knows a handshake and its Origin`() throws {
        let plain = try request()
        #expect(!plain.isHandshake)
        #expect(plain.origin == nil)
        let handshake = try request(
            fields: "Upgrade: websocket\nConnection: Upgrade\nOrigin: http://a")
        #expect(handshake.isHandshake)
        #expect(handshake.origin == "http://a")
    }
}
