// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSServer

/// Every kind of request at every kind of route: the exact reply, whether the conversation ran, that
/// nothing is left behind, and what a request in the same segment gets.
@Suite("The upgrade, by one table") struct UpgradeTableTests {
    private struct Broken: Error {}

    /// Whether routes and middleware answer at once or in a task.
    enum Handlers: String, CaseIterable { case synchronous, asynchronous }

    private static func router(_ setup: Setup, _ handlers: Handlers, _ runs: Counter) -> Router {
        let upgrade: @Sendable (Request) throws -> Reply = { _ in setup.echo(runs: runs) }
        let plain: @Sendable (Request) throws -> Reply = { _ in .text("plain") }
        let secret: @Sendable (Request) throws -> Reply = { _ in
            var reply = Reply.text("who?", status: .unauthorized)
            reply.headers[.wwwAuthenticate] = "Bearer"
            return reply
        }
        let broken: @Sendable (Request) throws -> Reply = { _ in throw Broken() }
        let routes: [(HTTPRequest.Method, String, @Sendable (Request) throws -> Reply)] = [
            (.get, "/upgrade", upgrade), (.post, "/upgrade", upgrade), (.get, "/plain", plain),
            (.put, "/put", plain), (.get, "/intercepted", upgrade), (.get, "/secret", secret),
            (.post, "/secret", secret), (.get, "/broken", broken), (.post, "/broken", broken),
        ]
        let before: @Sendable (Request) throws -> Reply? = { request in
            request.path == "/intercepted" ? .text("slowly", status: .tooManyRequests) : nil
        }
        let after: @Sendable (Request, inout Reply) throws -> Void = { _, reply in
            try reply.setHeader("X-After", to: "seen")
        }
        var router = Router()
        switch handlers {
        case .synchronous:
            for (method, path, handler) in routes { router.on(method, path, handler) }
            router.before(before)
            router.after(after)
        case .asynchronous:
            for (method, path, handler) in routes {
                router.on(method, path) { request in
                    await Task.yield()
                    return try handler(request)
                }
            }
            router.before { request in
                await Task.yield()
                return try before(request)
            }
            router.after { request, reply in
                await Task.yield()
                try after(request, &reply)
            }
        }
        return router
    }

    private static let next = "GET /plain HTTP/1.1\r\nHost: server.example.com\r\n\r\n"

    @Test(arguments: UpgradeRow.allCases, Setup.all)
    func `a request gets what its route makes of it`(row: UpgradeRow, setup: Setup) async throws {
        for handlers in Handlers.allCases {
            let runs = Counter()
            let router = Self.router(setup, handlers, runs)
            try await withServer(router, setup.configuration()) { server, address in
                for (column, outcome) in zip(UpgradeColumn.allCases, row.outcomes)
                where column != .draining {
                    let cell = Comment("\(row.rawValue) at \(column.path), \(handlers)")
                    let before = runs.value
                    let client = try RawClient(address)
                    try client.send(row.octets(column.path) + Self.next)
                    try Self.check(client, outcome, cell)
                    #expect(runs.value - before == (outcome.isOpened ? 1 : 0), cell)
                    client.close()
                    let isBack = await server.settles { $0.connections == 0 && $0.slots == 0 }
                    #expect(isBack, cell)
                }
            }
        }
    }

    /// The request has begun when the drain begins, and is finished after that.
    @Test(arguments: UpgradeRow.allCases, Setup.all)
    func `a draining server judges first and then sends away`(
        row: UpgradeRow, setup: Setup
    ) async throws {
        let outcome = try #require(row.outcomes.last)
        for handlers in Handlers.allCases {
            let runs = Counter()
            let router = Self.router(setup, handlers, runs)
            try await withServer(router, setup.configuration()) { server, address in
                let cell = Comment("\(row.rawValue), draining, \(handlers)")
                let request = row.octets(UpgradeColumn.draining.path)
                let client = try RawClient(address)
                // The reply to the first shows that the octet behind it has been read.
                try client.send(Self.next + request.prefix(1))
                #expect(try client.readReply().status == 200, cell)
                async let report = server.shutdown()
                // The listening socket is closed when the drain begins.
                #expect(await server.settles { $0.descriptors == 1 }, cell)
                try client.send(request.dropFirst() + Self.next)
                try Self.check(client, outcome, cell)
                // The server lingers for the client's end.
                client.close()
                #expect(runs.value == 0, cell)
                #expect(await report.requests == 1, cell)
            }
        }
    }

    /// Checks the reply and what the request behind it gets, and that the connection ends or goes
    /// on as it must.
    private static func check(
        _ client: RawClient, _ outcome: UpgradeOutcome, _ cell: Comment
    ) throws {
        #expect(try client.readReply() == outcome.reply, cell)
        switch outcome {
        case .opened:
            // "GET" is a frame with a reserved bit, to a WebSocket.
            let (frames, end) = try client.readFramesToEnd()
            #expect(frames == [.close(1002)], cell)
            #expect(end == .fin, cell)
        case .kept:
            #expect(try client.readReply() == UpgradeOutcome.kept(200).reply, cell)
            client.shutdownSending()
            #expect(try client.readEnd() == .fin, cell)
        case .closed, .refused:
            #expect(try client.readEnd() == .fin, cell)
        }
    }
}

extension UpgradeOutcome {
    var isOpened: Bool { if case .opened = self { true } else { false } }
}
