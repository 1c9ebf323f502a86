// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import WSServer

@Suite("Shutting down", .timeLimit(.minutes(2))) struct ShutdownTests {
    /// A server for the tests that shut down themselves.
    static func start(
        _ backend: WebSocketServer.Backend = .epoll, port: UInt16 = 0, threads: Int = 1,
        limits: (inout ServerLimits) -> Void = { _ in },
        configure: (inout WebSocketServer.Configuration) -> Void = { _ in },
        routes: (inout Router) -> Void
    ) async throws -> Serving {
        var router = Router()
        routes(&router)
        var configuration = WebSocketServer.Configuration(
            port: port, threads: threads, backend: backend, handlesSignals: false,
            shutdownDeadline: .seconds(60), shutdownJitter: .milliseconds(20))
        limits(&configuration.limits)
        configure(&configuration)
        let server = WebSocketServer(router: router, configuration: configuration)
        return Serving(server: server, port: try await server.start().port)
    }

    @Test(arguments: Setup.all)
    func `idle sockets get 1001 and are counted as closed cleanly`(_ setup: Setup) async throws {
        let serving = try await Self.start(setup.backend, threads: 2) { router in
            router.get("/") { _ in setup.echo() }
        }
        var peers: [Peer] = []
        for _ in 0..<10 { peers.append(try await Peer.open(serving.port)) }
        async let report = serving.server.shutdown()
        for peer in peers {
            #expect(try await peer.frame() == .close(1001))
            try await peer.send(.close(1001))
            #expect(try await peer.isAtEnd())
        }
        let counts = await report
        #expect(counts.closedCleanly == 10)
        #expect(counts.requests == 0)
        #expect(counts.handlersLeft == 0)
        #expect(serving.server.statistics == Statistics())
    }

    @Test func `the report says what closed how`() async throws {
        let ends = Recorder<CloseInfo?>()
        let serving = try await Self.start(
            limits: { $0.closeTimeout = .seconds(3) },
            routes: { router in
                router.get("/") { _ in
                    .upgrade { socket in
                        defer { ends.record(socket.closeInfo) }
                        for try await _ in socket {}
                    }
                }
                router.get("/plain") { _ in .text("plain") }
            })
        let clean = try await Peer.open(serving.port)
        let silent = try await Peer.open(serving.port)
        let lost = try await Peer.open(serving.port)
        let idle = try await Peer.connect(serving.port)
        #expect(try await idle.request("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        async let report = serving.server.shutdown()
        for peer in [clean, silent, lost] { #expect(try await peer.frame() == .close(1001)) }
        try await clean.send(.close(1001))
        lost.close()
        #expect(try await idle.isAtEnd())
        let counts = await report
        #expect(counts.closedCleanly == 1)
        #expect(counts.timedOut == 1)
        #expect(counts.lost == 1)
        #expect(counts.aborted == 0)
        #expect(counts.requests == 1)
        #expect(counts.handlersLeft == 0)
        let drained = ends.all.filter { $0?.cause == .drained }
        #expect(drained.count == 1)
        #expect(drained.first??.code == .goingAway)
    }

    /// Says goodbye when the server is going to shut down, and closes.
    private struct Polite: SocketHandler {
        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
            socket.send(.text("\(socket.isDraining)"))
        }
        mutating func draining(_ socket: LoopSocket) {
            socket.send(.text("\(socket.isDraining)"))
            socket.close(.normal, reason: "goodbye")
        }
    }

    @Test(arguments: Setup.all)
    func `a handler that is told in time closes by itself`(_ setup: Setup) async throws {
        let serving = try await Self.start(
            setup.backend, threads: 2, configure: { $0.shutdownNotice = .seconds(30) },
            routes: { router in
                router.get("/") { _ in
                    switch setup.door {
                    case .callback: .upgrade(handler: { Polite() })
                    case .conversation:
                        .upgrade { socket in
                            let farewell = Task {
                                try await socket.draining()
                                // Known from now on, and at once.
                                try await socket.draining()
                                try await socket.send(.text("true"))
                                try await socket.close(.normal, reason: "goodbye")
                            }
                            for try await _ in socket { try await socket.send(.text("false")) }
                            try await farewell.value
                        }
                    }
                }
            })
        var peers: [Peer] = []
        for _ in 0..<10 {
            let peer = try await Peer.open(serving.port)
            try await peer.send(.text("?"))
            #expect(try await peer.frame() == .text("false"))
            peers.append(peer)
        }
        async let report = serving.server.shutdown()
        for peer in peers {
            #expect(try await peer.frame() == .text("true"))
            #expect(try await peer.answerClose() == .close(1000, "goodbye"))
        }
        let counts = await report
        #expect(counts.closedCleanly == 10)
        #expect(counts.aborted + counts.timedOut + counts.lost == 0)
    }

    @Test func `a shutdown closes with the code that was chosen`() async throws {
        let serving = try await Self.start(
            configure: {
                $0.shutdownCloseCode = .serviceRestart
                $0.shutdownNotice = .milliseconds(1)
            },
            routes: { router in
                router.get("/") { _ in .upgrade { socket in for try await _ in socket {} } }
            })
        let peer = try await Peer.open(serving.port)
        async let report = serving.server.shutdown()
        #expect(try await peer.answerClose() == .close(1012))
        #expect(await report.closedCleanly == 1)
    }

    @Test func `a code that may not be sent is no code to shut down with`() async throws {
        await #expect {
            _ = try await Self.start(
                configure: { $0.shutdownCloseCode = .noStatus }, routes: { _ in })
        } throws: { error in
            "\(error)".contains("shutdownCloseCode is 1005")
        }
    }

    @Test func `waiting for a shutdown ends with the conversation, or when cancelled`() async throws
    {
        let results = Recorder<WebSocketError.Code>()
        let serving = try await Self.start { router in
            router.get("/") { _ in
                .upgrade { socket in
                    @Sendable func wait() async {
                        do {
                            try await socket.draining()
                        } catch {
                            results.record(error.code)
                        }
                    }
                    let cancelled = Task { await wait() }
                    cancelled.cancel()
                    await cancelled.value
                    let elsewhere = Task.detached { await wait() }
                    for try await _ in socket {}
                    await elsewhere.value
                    await wait()
                }
            }
        }
        let peer = try await Peer.open(serving.port)
        #expect(try await results.next() == .cancelled)
        try await peer.leave()
        #expect(try await results.next() == .closed)
        #expect(try await results.next() == .closed)
        await serving.server.shutdown()
        #expect(results.all.count == 3)
    }

    @Test func `a second shutdown gets the report of the first`() async throws {
        let serving = try await Self.start { router in
            router.get("/") { _ in .upgrade { socket in for try await _ in socket {} } }
        }
        let peer = try await Peer.open(serving.port)
        async let first = serving.server.shutdown()
        async let second = serving.server.shutdown(deadline: .zero)
        #expect(try await peer.answerClose() == .close(1001))
        let reports = await [first, second]
        #expect(reports[0].closedCleanly == 1)
        #expect(reports[0] == reports[1])
    }

    @Test func `a shutdown waits for a handler that finishes its work`() async throws {
        let go = Recorder<Void>()
        let done = Recorder<Void>()
        let serving = try await Self.start { router in
            router.get("/") { _ in
                .upgrade { socket in
                    for try await _ in socket {}
                    // Its socket is gone; what it has begun it ends.
                    try await go.next()
                    done.record()
                }
            }
        }
        let peer = try await Peer.open(serving.port)
        async let report = serving.server.shutdown()
        #expect(try await peer.answerClose() == .close(1001))
        let server = serving.server
        #expect(try await eventually { server.statistics.connections == 0 })
        #expect(done.all.isEmpty)
        go.record()
        let counts = await report
        #expect(counts.handlersLeft == 0)
        #expect(done.all.count == 1)
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `at the deadline sockets are cut off and their handlers cancelled`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let ends = Recorder<CloseInfo?>()
        let serving = try await Self.start(backend) { router in
            router.get("/sleeping") { _ in
                .upgrade { socket in
                    try? await Task.sleep(for: .seconds(3600))
                    #expect(Task.isCancelled)
                    ends.record(socket.closeInfo)
                }
            }
            router.get("/receiving") { _ in
                .upgrade { socket in
                    defer { ends.record(socket.closeInfo) }
                    for try await _ in socket {}
                }
            }
        }
        let sleeping = try await Peer.open(serving.port, "/sleeping")
        let receiving = try await Peer.open(serving.port, "/receiving")
        let report = await serving.server.shutdown(deadline: .milliseconds(100))
        #expect(report.aborted == 2)
        #expect(report.handlersLeft == 0)
        for _ in 0..<2 { #expect(try await ends.next()?.cause == .drained) }
        #expect(try await sleeping.frame() == .close(1001))
        #expect(try await receiving.frame() == .close(1001))
    }

    @Test func `a handler whose connection is gone is cancelled at the deadline too`()
        async throws
    {
        let started = Recorder<Void>()
        let ended = Recorder<Bool>()
        let serving = try await Self.start { router in
            router.get("/") { _ in
                .upgrade { _ in
                    started.record()
                    try? await Task.sleep(for: .seconds(3600))
                    ended.record(Task.isCancelled)
                }
            }
        }
        let peer = try await Peer.open(serving.port)
        try await started.next()
        peer.reset()
        let server = serving.server
        #expect(try await eventually { server.statistics.connections == 0 })
        #expect(server.statistics.handlers == 1)
        let report = await serving.server.shutdown(deadline: .milliseconds(50))
        #expect(report.handlersLeft == 0)
        #expect(try await ended.next())
    }

    @Test func `a handler that never ends is counted, and run returns all the same`()
        async throws
    {
        let started = Recorder<Void>()
        let go = Recorder<Void>()
        let listening = Recorder<UInt16>()
        var router = Router()
        router.get("/") { _ in
            .upgrade { _ in
                started.record()
                // Deaf to its cancellation.
                try await onThread { try go.next() }
            }
        }
        let server = WebSocketServer(
            router: router,
            configuration: .init(
                backend: .epoll, handlesSignals: false,
                onListening: { listening.record($0.port) }))
        async let reported = server.run()
        let peer = try await Peer.open(try await listening.next())
        try await started.next()
        let report = await server.shutdown(deadline: .milliseconds(50))
        #expect(report.handlersLeft == 1)
        #expect(report.aborted == 1)
        #expect(try await reported == report)
        #expect(try await peer.frame() == .close(1001))
        go.record()
        #expect(try await eventually { server.statistics.handlers == 0 })
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `requests under way are answered, upgrades get 503, idle connections end`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let started = Recorder<Void>()
        let go = Recorder<Void>()
        let serving = try await Self.start(backend) { router in
            router.get("/slow") { _ in
                started.record()
                try await go.next()
                return .text("slow")
            }
            router.get("/late") { _ in
                started.record()
                try await go.next()
                return .upgrade { _ in Issue.record("a conversation began") }
            }
            router.get("/quick") { _ in .text("quick") }
            router.get("/socket") { _ in .upgrade { socket in for try await _ in socket {} } }
        }
        let slow = try await Peer.connect(serving.port)
        try await slow.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        let late = try await Peer.connect(serving.port)
        try await late.write(Peer.handshake("/late"))
        for _ in 0..<2 { try await started.next() }
        let idle = try await Peer.connect(serving.port)
        #expect(try await idle.request("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        let begun = try await Peer.connect(serving.port)
        #expect(
            try await begun.request(
                "GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET /socket HTTP/1.1\r\n"
            ).status == 200)
        let socket = try await Peer.open(serving.port, "/socket")

        async let report = serving.server.shutdown()
        #expect(try await socket.frame() == .close(1001))
        #expect(throws: PeerError.system("connect", ECONNREFUSED)) { try Peer(serving.port) }
        #expect(try await idle.isAtEnd())

        let rest = Peer.handshake("/socket").split(separator: "\r\n", maxSplits: 1)[1]
        let refused = try await begun.request(String(rest))
        #expect(refused.status == 503)
        #expect(refused.fields["connection"] == "close")
        #expect(try await begun.isAtEnd())

        for _ in 0..<2 { go.record() }
        let reply = try await slow.reply()
        #expect(reply.status == 200)
        #expect(reply.text == "slow")
        #expect(reply.fields["connection"] == "close")
        #expect(try await slow.isAtEnd())
        #expect(try await late.reply().status == 503)
        #expect(try await late.isAtEnd())
        try await socket.send(.close(1001))
        let counts = await report
        #expect(counts.requests == 4)
        #expect(counts.closedCleanly == 1)
    }

    @Test func `a connection without any octet does not hold up a shutdown`() async throws {
        let serving = try await Self.start { _ in }
        let peer = try await Peer.connect(serving.port)
        let server = serving.server
        #expect(try await eventually { server.statistics.connections == 1 })
        #expect(await server.shutdown().requests == 1)
        #expect(try await peer.isAtEnd())
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `the port is free at once, and a restarted server has it`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        var port: UInt16 = 0
        for round in 0..<3 {
            let serving = try await Self.start(backend, port: port, threads: 2) { router in
                router.get("/") { _ in .text("\(round)") }
            }
            port = serving.port
            let peer = try await Peer.connect(port)
            #expect(try await peer.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "\(round)")
            peer.close()
            await serving.server.shutdown()
            #expect(throws: PeerError.system("connect", ECONNREFUSED)) { try Peer(serving.port) }
        }
    }

    @Test func `run shuts down when its task is cancelled`() async throws {
        let listening = Recorder<UInt16>()
        var router = Router()
        router.get("/") { _ in .upgrade { socket in for try await _ in socket {} } }
        let server = WebSocketServer(
            router: router,
            configuration: .init(
                backend: .epoll, handlesSignals: false,
                onListening: { listening.record($0.port) }))
        let running = Task { try await server.run() }
        let peer = try await Peer.open(try await listening.next())
        running.cancel()
        #expect(try await peer.answerClose() == .close(1001))
        #expect(try await running.value.closedCleanly == 1)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `run shuts down on a signal, which is the process's again afterwards`(
        _ number: Int32
    ) async throws {
        await #expect(processExitsWith: .signal(number)) { [number] in
            let listening = Recorder<UInt16>()
            var router = Router()
            router.get("/") { _ in .upgrade { socket in for try await _ in socket {} } }
            let server = WebSocketServer(
                router: router,
                configuration: .init(onListening: { listening.record($0.port) }))
            let running = Task { try await server.run() }
            let peer = try await Peer.open(try await listening.next())
            guard isTaken(number) else { exit(1) }
            kill(getpid(), number)
            guard try await peer.answerClose() == .close(1001),
                try await running.value.closedCleanly == 1
            else { exit(2) }
            guard !isTaken(number) else { exit(3) }
            kill(getpid(), number)
            exit(4)
        }
    }

    /// Sockets that a route keeps, in what the route itself has captured.
    private final class Room: Sendable {
        let sockets = Recorder<WebSocket>()
        let gone: Recorder<Void>
        init(_ gone: Recorder<Void>) { self.gone = gone }
        deinit { gone.record() }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `sockets kept by a route do not keep an ended server's routes`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let gone = Recorder<Void>()
        do {
            let room = Room(gone)
            try await serving(backend, threads: 2) { router in
                router.get("/") { _ in
                    .upgrade { socket in
                        room.sockets.record(socket)
                        for try await message in socket { try await socket.send(message) }
                    }
                }
            } client: { serving in
                _ = try await Peer.open(serving.port)
                _ = try await room.sockets.next()
            }
        }
        try await gone.next()
    }

    // MARK: Starts that fail

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a port that is taken is said with its cure`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend) { _ in
        } client: { serving in
            let second = WebSocketServer(
                router: Router(),
                configuration: .init(port: serving.port, backend: backend, handlesSignals: false))
            let error = await #expect(throws: StartError.self) { try await second.start() }
            #expect(
                error?.reason == .listen(code: EADDRINUSE, host: "127.0.0.1", port: serving.port))
            #expect(error?.description.contains("the port is taken") == true)
            #expect(error?.description.contains("0 picks a free one") == true)
            #expect(second.statistics == Statistics())
        }
    }

    @Test func `a host that is no address is said`() async throws {
        for (host, code) in [("example.org", EINVAL), ("192.0.2.1", EADDRNOTAVAIL)] {
            let server = WebSocketServer(
                router: Router(), configuration: .init(host: host, handlesSignals: false))
            let error = await #expect(throws: StartError.self) { try await server.start() }
            #expect(error?.reason == .listen(code: code, host: host, port: 0))
        }
    }

    @Test func `limits that make no sense are refused at the start`() async throws {
        var limits = ServerLimits()
        limits.inboxMaxMessages = 0
        let server = WebSocketServer(router: Router(), configuration: .init(limits: limits))
        let error = await #expect(throws: StartError.self) { try await server.start() }
        #expect(error?.description.contains("inboxMaxMessages is 0") == true)
    }

    @Test func `a server starts once`() async throws {
        try await serving { _ in
        } client: { serving in
            let error = await #expect(throws: StartError.self) { try await serving.server.start() }
            #expect(error?.reason == .alreadyStarted)
        }
        let server = WebSocketServer(router: Router())
        await server.shutdown()
        await #expect(throws: StartError.self) { try await server.start() }
    }
}

/// Whether the process has a handler of its own for a signal.
private func isTaken(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return action.__sigaction_handler.sa_handler != nil
}
