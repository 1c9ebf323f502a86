// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// What a request may cost beyond its head, whose limits are with the request heads' tests.
@Suite("Limits on requests", .timeLimit(.minutes(2))) struct RequestLimitTests {
    private static func router() -> Router {
        var router = Router()
        router.post("/") { .text("\($0.body.count)") }
        return router
    }

    private static func post(_ fields: String) -> String {
        "POST / HTTP/1.1\r\nHost: server.example.com\r\n\(fields)\r\n\r\n"
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a body of the largest size passes, one octet more gets 413`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.bodySizeMaxBytes = 1000
        }
        try await withServer(Self.router(), configuration) { _, address in
            for (size, status) in [(1000, 200), (1001, 413)] {
                let octets = String(repeating: "x", count: size)
                let declared = try RawClient(address)
                try declared.send(Self.post("Content-Length: \(size)") + octets)
                #expect(try declared.readReply().status == status)

                // The size of a chunked body shows only as it comes.
                let chunked = try RawClient(address)
                let size = String(size - 1, radix: 16)
                try chunked.send(
                    Self.post("Transfer-Encoding: chunked")
                        + "\(size)\r\n\(octets.dropLast())\r\n1\r\nx\r\n0\r\n\r\n")
                #expect(try chunked.readReply().status == status)
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a body that takes too long gets 408`(backend: WebSocketServer.Backend) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.bodyTimeout = .milliseconds(300)
            $0.limits.bodyRateMinBytesPerSecond = 0
        }
        try await withServer(Self.router(), configuration) { _, address in
            let client = try RawClient(address)
            try client.send(Self.post("Content-Length: 1000000"))
            _ = try client.drip("x", every: .milliseconds(10))
            #expect(try client.readReply().status == 408)
            #expect(try client.readEnd() == .fin)
        }
    }

    /// The rate is judged every five seconds, so this test takes as long.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a body that comes too slowly gets 408 long before its deadline`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.bodyTimeout = .seconds(3600)
        }
        try await withServer(Self.router(), configuration) { _, address in
            let slow = try RawClient(address)
            let quick = try RawClient(address)
            try slow.send(Self.post("Content-Length: 1000000"))
            try quick.send(Self.post("Content-Length: 100001"))
            try quick.send(String(repeating: "x", count: 100_000))
            _ = try slow.drip("x", every: .milliseconds(20))
            #expect(try slow.readReply().status == 408)
            #expect(try slow.readEnd() == .fin)
            try quick.send("x")
            #expect(try quick.readReply().body == "100001")
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a route or middleware without an answer gets 503, and is cancelled`(
        backend: WebSocketServer.Backend
    ) async throws {
        let cancelled = Recorder<String>()
        @concurrent @Sendable func stall(_ name: String) async throws {
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                cancelled.record(name)
                throw error
            }
        }
        var router = Router()
        router.before { request in
            if request.path == "/middleware" { try await stall("middleware") }
            return nil
        }
        router.after { request, reply in
            if request.path == "/after" { try await stall("after") }
        }
        router.get("/route") { _ in
            try await stall("route")
            return .text("never")
        }
        router.get("/upgrade") { _ in
            try await stall("upgrade")
            return .upgrade { _ in }
        }
        router.get("/after") { _ in .text("never") }
        router.get("/quick") { _ in .text("quick") }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.handlerTimeout = .milliseconds(200)
        }
        try await withServer(router, configuration) { _, address in
            for name in ["route", "middleware", "upgrade", "after"] {
                let client = try RawClient(address)
                try client.send(RawClient.handshake("/\(name)"))
                let reply = try client.readReply()
                #expect(reply.status == 503)
                #expect(reply.value(of: "connection") == "close")
                #expect(try client.readEnd() == .fin)
                #expect(try await cancelled.next() == name)
            }
            let client = try RawClient(address)
            try client.send("GET /quick HTTP/1.1\r\nHost: server.example.com\r\n\r\n")
            #expect(try client.readReply().body == "quick")
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a client with too many requests waiting is read no further`(
        backend: WebSocketServer.Backend
    ) async throws {
        let go = Recorder<Void>()
        var router = Router()
        router.get("/slow") { _ in
            try await go.next()
            return .text("slow")
        }
        router.get("/{number}") { .text($0.parameters["number"] ?? "") }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.pipelinedRequestsMax = 2
        }
        try await withServer(router, configuration) { server, address in
            func request(_ path: some StringProtocol) -> String {
                "GET /\(path) HTTP/1.1\r\nHost: server.example.com\r\n\r\n"
            }
            let client = try RawClient(address)
            try client.send(request("slow"))
            let size = request("10").utf8.count
            for number in 10..<12 {
                try client.send(request("\(number)"))
                #expect(await server.settles { $0.octetsHeld == (number - 9) * size })
            }
            // A whole turn of the loop later nothing of it is read any more.
            let neighbour = try RawClient(address)
            for number in 12..<90 {
                try neighbour.send(request("neighbour"))
                #expect(try neighbour.readReply().body == "neighbour")
                try client.send(request("\(number)"))
                #expect(server.statistics.octetsHeld == 2 * size)
            }
            go.record()
            #expect(try client.readReply().body == "slow")
            for number in 10..<90 { #expect(try client.readReply().body == "\(number)") }
        }
    }
}
