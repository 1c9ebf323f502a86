// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// Sending, closing and waiting, from wherever a task may be.
@Suite("WebSocket: sending and waiting from any task", .timeLimit(.minutes(2)))
struct SendingTests {
    @MainActor static func sendFromMain(_ socket: WebSocket, _ text: String) async throws {
        try await socket.send(.text(text))
    }

    actor Sender {
        func send(_ socket: WebSocket, _ text: String) async throws {
            try await socket.send(.text(text))
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `any task may send`(_ backend: WebSocketServer.Backend) async throws {
        let sockets = Recorder<WebSocket>()
        try await serving(backend) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await socket.send(.text("own"))
                    async let child: Void = socket.send(.text("child"))
                    try await child
                    try await Self.sendFromMain(socket, "main")
                    try await Sender().send(socket, "actor")
                    try await Task.detached { try await socket.send(.text("detached")) }.value
                    try await Task { try await socket.send(.text("unstructured")) }.value
                    try await Task.immediate { try await socket.send(.text("immediate")) }.value
                    try await withTaskExecutorPreference(globalConcurrentExecutor) {
                        try await socket.send(.text("elsewhere"))
                    }
                    sockets.record(socket)
                    for try await _ in socket {}
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            for text in [
                "own", "child", "main", "actor", "detached", "unstructured", "immediate",
                "elsewhere",
            ] {
                #expect(try await peer.frame() == .text(text))
            }
            let socket = try await sockets.next()
            try await socket.send(.text("test"))
            #expect(try await peer.frame() == .text("test"))
            try await peer.leave()
        }
    }

    @Test func `messages of one sender stay in order, whoever else sends`() async throws {
        let sockets = Recorder<WebSocket>()
        let count = 300
        try await serving(threads: 2) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    for try await _ in socket {}
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            let socket = try await sockets.next()
            async let sent: Void = withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<4 {
                    group.addTask {
                        for number in 0..<count {
                            let message = Message.text("\(sender) \(number)")
                            if number % 10 == 9 {
                                try await socket.send(contentsOf: [message])
                            } else if sender == 3 {
                                try await Self.sendFromMain(socket, "\(sender) \(number)")
                            } else {
                                try await socket.send(message)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            var next = [0, 0, 0, 0]
            for _ in 0..<4 * count {
                let frame = try #require(try await peer.frame())
                let words = String(decoding: frame.payload, as: UTF8.self).split(separator: " ")
                let sender = try #require(Int(words[0]))
                #expect(Int(words[1]) == next[sender])
                next[sender] += 1
            }
            try await sent
            try await peer.leave()
        }
    }

    @Test func `a batch leaves in order, from the loop and from elsewhere`() async throws {
        let sockets = Recorder<WebSocket>()
        let batch = (0..<200).map { Message.text("\($0)") }
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await socket.send(contentsOf: batch)
                    sockets.record(socket)
                    for try await _ in socket {}
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            for number in 0..<200 { #expect(try await peer.frame() == .text("\(number)")) }
            try await sockets.next().send(contentsOf: batch)
            for number in 0..<200 { #expect(try await peer.frame() == .text("\(number)")) }
            try await peer.leave()
        }
    }

    @Test func `pings are sent, and what may not be sent is refused`() async throws {
        let sockets = Recorder<WebSocket>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await socket.ping([1, 2, 3])
                    try await socket.send(.pong([4]))
                    sockets.record(socket)
                    for try await _ in socket {}
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            #expect(try await peer.frame() == .ping([1, 2, 3]))
            #expect(try await peer.frame() == .pong([4]))
            let socket = try await sockets.next()
            func refusal(_ body: () async throws -> Void) async -> WebSocketError.Code? {
                await #expect(throws: WebSocketError.self) { try await body() }?.code
            }
            let long = Array(repeating: UInt8(0), count: 126)
            #expect(
                await refusal { try await socket.ping(long) } == .refused(.controlPayloadTooLong))
            #expect(
                await refusal { try await socket.close(.noStatus) } == .refused(.invalidCloseCode))
            let reason = String(repeating: "x", count: 124)
            #expect(
                await refusal { try await socket.close(.normal, reason: reason) }
                    == .refused(.reasonTooLong))
            // None of it did any harm.
            #expect(socket.closeInfo == nil)
            try await socket.send(.text("still here"))
            #expect(try await peer.frame() == .text("still here"))
            try await peer.leave()
            #expect(try await eventually { socket.closeInfo != nil })
            #expect(await refusal { try await socket.send(.text("late")) } == .closed)
            #expect(await refusal { try await socket.ping() } == .closed)
            // Over is over: closing again is no mistake.
            try await socket.close()
            #expect(try await socket.receive() == nil)
        }
    }

    @Test func `closing from elsewhere returns at the end of the handshake, for all who wait`()
        async throws
    {
        let sockets = Recorder<WebSocket>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    for try await _ in socket {}
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            let socket = try await sockets.next()
            async let first: Void = socket.close(.normal, reason: "done")
            async let second: Void = socket.close(.normal, reason: "done")
            #expect(try await peer.frame() == .close(1000, "done"))
            #expect(socket.closeInfo == nil)
            await #expect(throws: WebSocketError.self) { try await socket.send(.text("x")) }
            try await peer.send(.close(1000))
            try await first
            try await second
            #expect(socket.closeInfo?.isClean == true)
            #expect(try await peer.isAtEnd())
        }
    }

    // MARK: Cancellation

    @Test(arguments: WebSocketServer.Backend.testable)
    func `cancelled child tasks wake from receiving and closing`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let codes = Recorder<WebSocketError.Code?>()
        try await serving(backend) { router in
            router.get("/receive") { _ in
                .upgrade { socket in
                    for _ in 0..<3 {
                        await withTaskGroup(of: Void.self) { group in
                            group.addTask {
                                do {
                                    _ = try await socket.receive()
                                    codes.record(nil)
                                } catch {
                                    codes.record((error as? WebSocketError)?.code)
                                }
                            }
                            // Let it wait, now and then.
                            await Task.yield()
                            group.cancelAll()
                        }
                    }
                    // The socket is none the worse for it.
                    guard let message = try await socket.receive() else { return }
                    try await socket.send(message)
                    for try await _ in socket {}
                }
            }
            router.get("/close") { _ in
                .upgrade { socket in
                    await withTaskGroup(of: Void.self) { group in
                        group.addTask {
                            do {
                                try await socket.close()
                                codes.record(nil)
                            } catch {
                                codes.record((error as? WebSocketError)?.code)
                            }
                        }
                        await Task.yield()
                        group.cancelAll()
                    }
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port, "/receive")
            for _ in 0..<3 { #expect(try await codes.next() == .cancelled) }
            try await peer.send(.text("after"))
            #expect(try await peer.frame() == .text("after"))
            try await peer.leave()

            let closing = try await Peer.open(serving.port, "/close")
            #expect(try await codes.next() == .cancelled)
            #expect(try await closing.answerClose() == .close(1000))
        }
    }

    @Test func `a cancelled task elsewhere wakes from receiving and from sending`() async throws {
        let sockets = Recorder<WebSocket>()
        let go = Recorder<Void>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    try await go.next()
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            let socket = try await sockets.next()
            let receiving = Task.detached { try await socket.receive() }
            let sending = Task.detached {
                while true { try await socket.send(.binary(Array(repeating: 0, count: 10_000))) }
            }
            let server = serving.server
            // The peer does not read: sooner or later the sender waits.
            #expect(try await eventually { server.statistics.octetsQueued >= 64 * 1024 })
            receiving.cancel()
            sending.cancel()
            for task in [Task { _ = try await receiving.value }, Task { try await sending.value }] {
                let error = await #expect(throws: WebSocketError.self) { try await task.value }
                #expect(error?.code == .cancelled)
            }
            peer.reset()
            go.record()
        }
    }

    @Test func `a task that is cancelled before it waits does not wait`() async throws {
        let sockets = Recorder<WebSocket>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    try await Task.sleep(for: .seconds(3600))
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            let socket = try await sockets.next()
            let error = await #expect(throws: WebSocketError.self) {
                try await Task.detached {
                    withUnsafeCurrentTask { $0?.cancel() }
                    _ = try await socket.receive()
                }.value
            }
            #expect(error?.code == .cancelled)
            peer.reset()
            await serving.server.shutdown(deadline: .milliseconds(10))
        }
    }

    // MARK: Loops

    @Test(arguments: Setup.all)
    func `handlers on several loops serve and reach each other`(_ setup: Setup) async throws {
        let sockets = Recorder<WebSocket>()
        try await serving(setup.backend, threads: 3) { router in
            router.get("/") { _ in setup.echo() }
            router.get("/chat") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    for try await message in socket {
                        for other in sockets.all { try await other.send(message) }
                    }
                }
            }
        } client: { serving in
            var peers: [Peer] = []
            for _ in 0..<24 { peers.append(try await Peer.open(serving.port)) }
            for (number, peer) in peers.enumerated() { try await peer.send(.text("\(number)")) }
            for (number, peer) in peers.enumerated() {
                #expect(try await peer.frame() == .text("\(number)"))
            }
            #expect(serving.server.statistics.webSockets == 24)
            for peer in peers { try await peer.leave() }

            var chatters: [Peer] = []
            for _ in 0..<8 {
                chatters.append(try await Peer.open(serving.port, "/chat"))
                _ = try await sockets.next()
            }
            for (number, peer) in chatters.enumerated() {
                try await peer.send(.text("\(number)"))
                for other in chatters { #expect(try await other.frame() == .text("\(number)")) }
            }
            for peer in chatters { try await peer.leave() }
        }
    }
}
