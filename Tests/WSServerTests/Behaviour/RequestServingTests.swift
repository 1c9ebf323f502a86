// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// Ordinary requests through a live server.
@Suite("Serving requests", .timeLimit(.minutes(2))) struct RequestServingTests {
    static let backends = WebSocketServer.Backend.testable

    static func routes(_ router: inout Router) {
        router.get("/sync") { request in .text("sync \(request.query ?? "")") }
        router.get("/async") { _ in
            await Task.yield()
            return .text("async")
        }
        router.get("/rooms/{room}") { request in .text(request.parameters["room"] ?? "") }
        router.get("/address") { request in .text(request.remoteAddress) }
        router.post("/body") { request in .reply(.ok, body: request.body) }
        router.post("/later") { request in
            await Task.yield()
            return .reply(.created, body: request.body)
        }
        router.get("/broken") { _ in throw Broken() }
    }

    struct Broken: Error {}

    @Test(arguments: backends)
    func `routes answer, synchronous and asynchronous, on one connection`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend, routes: Self.routes) { serving in
            let peer = try await Peer.connect(serving.port)
            for _ in 0..<3 {
                for (path, text) in [
                    ("/sync?a=b", "sync a=b"), ("/async", "async"), ("/rooms/a%20b", "a b"),
                    ("/address", "127.0.0.1"),
                ] {
                    let reply = try await peer.request("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                    #expect(reply.status == 200)
                    #expect(reply.text == text)
                    #expect(reply.fields["connection"] == nil)
                    #expect(reply.fields["date"]?.hasSuffix(" GMT") == true)
                    #expect(reply.fields["content-type"] == "text/plain; charset=utf-8")
                    #expect(reply.fields["server"] == nil)
                }
            }
        }
    }

    @Test func `HEAD gets the head of GET and no body`() async throws {
        try await serving(routes: Self.routes) { serving in
            let peer = try await Peer.connect(serving.port)
            for path in ["/sync?x", "/async"] {
                let head = try await peer.request("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(head.status == 200)
                #expect(head.fields["content-length"] == "\(path == "/async" ? 5 : 6)")
                // Whatever were left of a body would stand before this.
                let next = try await peer.request("GET /address HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(next.text == "127.0.0.1")
            }
        }
    }

    @Test func `what has no route, no such method, or throws, is said`() async throws {
        try await serving(routes: Self.routes) { serving in
            let peer = try await Peer.connect(serving.port)
            #expect(try await peer.request("GET /none HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
            let wrong = try await peer.request("DELETE /sync HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(wrong.status == 405)
            #expect(wrong.fields["allow"] == "GET, HEAD")
            let broken = try await peer.request("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(broken.status == 500)
            #expect(!broken.text.contains("Broken"))
            #expect(try await peer.request("GET /sync HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
    }

    @Test(arguments: backends)
    func `bodies come by length and in chunks, in any segments`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend, routes: Self.routes) { serving in
            let peer = try await Peer.connect(serving.port)
            for path in ["/body", "/later"] {
                let length = try await peer.request(
                    "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
                #expect(length.text == "hello")
                let chunks = Array(
                    ("POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n").utf8)
                for octet in chunks { try await peer.write([octet]) }
                #expect(try await peer.reply().text == "hello")
            }
            let large = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
            try await peer.write("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
            try await peer.write(large)
            #expect(try await peer.reply().body == large)
        }
    }

    @Test func `the client that asks is told to go on before it sends its body`() async throws {
        try await serving(limits: { $0.bodySizeMaxBytes = 10 }, routes: Self.routes) { serving in
            let head = "Host: a\r\nExpect: 100-continue\r\nContent-Length:"
            let peer = try await Peer.connect(serving.port)
            #expect(
                try await peer.request("POST /body HTTP/1.1\r\n\(head) 2\r\n\r\n").status == 100)
            #expect(try await peer.request("ok").text == "ok")
            // The next is refused without being told.
            let refused = try await peer.request("POST /body HTTP/1.1\r\n\(head) 11\r\n\r\n")
            #expect(refused.status == 413)
            #expect(refused.fields["connection"] == "close")
            let other = try await Peer.connect(serving.port)
            #expect(
                try await other.request("POST /none HTTP/1.1\r\n\(head) 2\r\n\r\n").status == 404)
            #expect(try await other.isAtEnd())
        }
    }

    @Test(arguments: backends)
    func `pipelined requests are answered in order, however slow the first`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let started = Recorder<Void>()
        let go = Recorder<Void>()
        try await serving(backend) { router in
            Self.routes(&router)
            router.get("/slow") { _ in
                started.record()
                try await go.next()
                return .text("slow")
            }
        } client: { serving in
            let peer = try await Peer.connect(serving.port)
            var requests = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
            for number in 0..<40 {
                let path = number % 2 == 0 ? "/rooms/\(number)" : "/async"
                requests += "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
                requests += "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"
                requests += "\r\n\r\n\(10 + number)"
            }
            try await peer.write(requests)
            try await started.next()
            go.record()
            #expect(try await peer.reply().text == "slow")
            for number in 0..<40 {
                #expect(try await peer.reply().text == (number % 2 == 0 ? "\(number)" : "async"))
                #expect(try await peer.reply().text == "\r\n\r\n\(10 + number)")
            }
        }
    }

    @Test func `the client's wish to close is kept, and HTTP 1.0 is closed`() async throws {
        try await serving(routes: Self.routes) { serving in
            for request in [
                "GET /sync HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /async HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "GET /sync HTTP/1.0\r\n\r\n",
                "GET /async HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            ] {
                let peer = try await Peer.connect(serving.port)
                // What comes behind it is not answered.
                let reply = try await peer.request(
                    request + "GET /sync HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(reply.status == 200)
                #expect(reply.fields["connection"] == "close")
                #expect(try await peer.isAtEnd())
            }
        }
    }

    @Test func `a client that ends its half still gets its replies`() async throws {
        try await serving(routes: Self.routes) { serving in
            let peer = try await Peer.connect(serving.port)
            try await peer.write(
                "GET /async HTTP/1.1\r\nHost: a\r\n\r\nGET /sync HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.endWriting()
            #expect(try await peer.reply().text == "async")
            #expect(try await peer.reply().text == "sync ")
            #expect(try await peer.isAtEnd())
        }
    }

    @Test(arguments: backends)
    func `a large last reply arrives whole although the client goes on sending`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        // More than the kernel's buffers take, so that it is still being sent meanwhile.
        let large = [UInt8](repeating: 7, count: 20_000_000)
        try await serving(backend) { router in
            router.get("/") { _ in .reply(.ok, body: large) }
        } client: { serving in
            let peer = try await Peer.connect(serving.port)
            try await peer.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let isWhole = try await onThread {
                let first = try peer.read(1)
                // More than is read of a connection that lingers.
                try peer.write([UInt8](repeating: 65, count: 100_000))
                let octets = try first + peer.readToEnd()
                return areSame(octets.suffix(large.count), large[...])
            }
            #expect(isWhole)
        }
    }

    // MARK: Middleware

    @Test(arguments: [false, true])
    func `middleware sees requests before and replies after, synchronous or not`(
        isAsynchronous: Bool
    ) async throws {
        try await serving { router in
            Self.routes(&router)
            if isAsynchronous {
                router.before { request in
                    await Task.yield()
                    return request.path == "/sync" ? .text("middle", status: .accepted) : nil
                }
                router.after { _, reply in
                    await Task.yield()
                    reply.headers[.init("X-After")!] = "\(reply.status.code)"
                }
            } else {
                router.before { $0.path == "/sync" ? .text("middle", status: .accepted) : nil }
                router.after { _, reply in
                    reply.headers[.init("X-After")!] = "\(reply.status.code)"
                }
            }
            router.get("/socket") { _ in .upgrade { socket in for try await _ in socket {} } }
        } client: { serving in
            let peer = try await Peer.connect(serving.port)
            for (path, status) in [("/sync", 202), ("/async", 200), ("/none", 404)] {
                let reply = try await peer.request("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(reply.status == status)
                #expect(reply.fields["x-after"] == "\(status)")
            }
            let upgraded = try await peer.request(Peer.handshake("/socket"))
            #expect(upgraded.status == 101)
            #expect(upgraded.fields["x-after"] == nil)
            try await peer.leave()
        }
    }
}
