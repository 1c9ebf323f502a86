// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// What the sequence of a socket gives and how it ends, and what its handler's end does.
@Suite("WebSocket: the sequence and its end", .timeLimit(.minutes(2))) struct ConversationTests {
    /// What a handler saw.
    enum Seen: Sendable, Equatable {
        case message(Message)
        case ended(CloseInfo?)
        case failed(WebSocketError)
        case started
    }

    /// Records all a socket gives, echoing nothing.
    static func record(_ seen: Recorder<Seen>) -> WebSocket.Handler {
        { socket in
            do {
                for try await message in socket { seen.record(.message(message)) }
                seen.record(.ended(socket.closeInfo))
            } catch let error as WebSocketError {
                seen.record(.failed(error))
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `the sequence gives every message and ends after the peer's Close`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let seen = Recorder<Seen>()
        try await serving(backend) { router in
            router.get("/") { _ in .upgrade(Self.record(seen)) }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            try await peer.send(.text("one"))
            try await peer.send(.binary([2, 2]))
            #expect(try await seen.next() == .message(.text("one")))
            #expect(try await seen.next() == .message(.binary([2, 2])))
            try await peer.send(.close(4001, "enough"))
            #expect(try await peer.frame() == .close(4001))
            guard case .ended(let info?) = try await seen.next() else {
                Issue.record("no end")
                return
            }
            #expect(info.code.rawValue == 4001)
            #expect(info.reason == "enough")
            #expect(info.initiator == .remote)
            #expect(info.isClean)
            #expect(info.cause == .closeFrame)
            #expect(info.octetsUnsent == 0)
            #expect(try await peer.isAtEnd())
        }
    }

    /// An actor that reads a socket, so that what it iterates is isolated to it.
    private actor Reader {
        private var count = 0

        func echo(_ socket: WebSocket) async throws {
            for try await message in socket {
                assertIsolated()
                count += 1
                try await socket.send(message)
                assertIsolated()
                if count == 3 { return }
            }
        }
    }

    private static func echo(
        _ sequence: some AsyncSequence<Message, WebSocketError>, to socket: WebSocket
    ) async throws {
        for try await message in sequence { try await socket.send(message) }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `an actor and a generic function iterate a socket as its handler does`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await Reader().echo(socket)
                    try await Task { @MainActor in
                        for try await message in socket {
                            MainActor.assertIsolated()
                            return try await socket.send(message)
                        }
                    }.value
                    try await Self.echo(socket, to: socket)
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            for number in 0..<6 {
                try await peer.send(.text("\(number)"))
                #expect(try await peer.frame() == .text("\(number)"))
            }
            try await peer.send(.close(1000))
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.isAtEnd())
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `the sequence ends after our own Close too`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let seen = Recorder<Seen>()
        try await serving(backend) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await socket.close(.policyViolation, reason: "no")
                    #expect(socket.closeInfo != nil)
                    try await Self.record(seen)(socket)
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            #expect(try await peer.frame() == .close(1008, "no"))
            #expect(seen.all.isEmpty)
            try await peer.send(.close(1008))
            guard case .ended(let info?) = try await seen.next() else {
                Issue.record("no end")
                return
            }
            #expect(info.code == .policyViolation)
            #expect(info.initiator == .local)
            #expect(info.isClean)
            #expect(try await peer.isAtEnd())
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `the sequence throws with the close information when the connection is lost`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let seen = Recorder<Seen>()
        try await serving(backend) { router in
            router.get("/") { _ in .upgrade(Self.record(seen)) }
        } client: { serving in
            let ending = try await Peer.open(serving.port)
            ending.close()
            guard case .failed(let error) = try await seen.next() else {
                Issue.record("no failure")
                return
            }
            #expect(error.code == .connectionFailed)
            #expect(error.closeInfo?.code == .abnormal)
            #expect(error.closeInfo?.cause == .connectionLost(code: 0))
            #expect(error.closeInfo?.initiator == CloseInfo.Initiator.none)
            #expect(error.closeInfo?.isClean == false)

            let resetting = try await Peer.open(serving.port)
            resetting.reset()
            guard case .failed(let second) = try await seen.next() else {
                Issue.record("no failure")
                return
            }
            guard case .connectionLost? = second.closeInfo?.cause else {
                Issue.record("\(second)")
                return
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a violation reaches the handler behind the messages before it`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let seen = Recorder<Seen>()
        try await serving(backend) { router in
            router.get("/") { _ in .upgrade(Self.record(seen)) }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            // The second frame is not masked.
            try await peer.write(PeerFrame.text("good").octets + [0x81, 0x01, 0x41])
            #expect(try await seen.next() == .message(.text("good")))
            guard case .failed(let error) = try await seen.next() else {
                Issue.record("no failure")
                return
            }
            #expect(error.closeInfo?.code == .protocolError)
            #expect(error.closeInfo?.initiator == .local)
            guard case .violation(let violation)? = error.closeInfo?.cause else {
                Issue.record("\(error)")
                return
            }
            #expect(violation.violation == .unmaskedClientFrame)
            #expect(try await peer.frame() == .close(1002))
            #expect(try await peer.isAtEnd())
        }
    }

    @Test func `a peer that does not answer a Close makes the sequence throw`() async throws {
        let seen = Recorder<Seen>()
        try await serving(limits: { $0.closeTimeout = .milliseconds(100) }) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await socket.close()
                    try await Self.record(seen)(socket)
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            guard case .failed(let error) = try await seen.next() else {
                Issue.record("no failure")
                return
            }
            #expect(error.closeInfo?.cause == .closeTimeout)
            #expect(error.closeInfo?.code == .abnormal)
            #expect(error.closeInfo?.isClean == false)
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.isAtEnd())
        }
    }

    @Test func `a second task that waits for a message is refused at once`() async throws {
        let refused = Recorder<WebSocketError>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<2 {
                            group.addTask {
                                do {
                                    while try await socket.receive() != nil {}
                                } catch let error as WebSocketError {
                                    refused.record(error)
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            #expect(try await refused.next().code == .alreadyReceiving)
            try await peer.leave()
            #expect(refused.all.count == 1)
        }
    }

    // MARK: Leaving the closure

    struct Failure: Error {}

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a handler that returns closes with 1000`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await leaving(backend, 1000) { _ in }
    }

    @Test func `a handler that throws closes with 1011`() async throws {
        try await leaving(.epoll, 1011) { _ in throw Failure() }
    }

    @Test func `a handler that ends as cancelled closes with 1001`() async throws {
        try await leaving(.epoll, 1001) { _ in throw CancellationError() }
    }

    @Test func `a handler's own Close is the last word`() async throws {
        try await leaving(.epoll, 4000) { socket in
            try await socket.send(.close(CloseCode(rawValue: 4000), reason: ""))
            throw Failure()
        }
    }

    private func leaving(
        _ backend: WebSocketServer.Backend, _ code: UInt16,
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) async throws {
        let sockets = Recorder<WebSocket>()
        try await serving(backend) { router in
            router.get("/sync") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    try await handler(socket)
                }
            }
            router.get("/async") { _ in
                await Task.yield()
                return .upgrade { socket in
                    sockets.record(socket)
                    try await handler(socket)
                }
            }
        } client: { serving in
            for path in ["/sync", "/async"] {
                let peer = try await Peer.open(serving.port, path)
                #expect(try await peer.frame() == .close(code))
                try await peer.send(.close(code))
                #expect(try await peer.isAtEnd())
                let socket = try await sockets.next()
                #expect(try await eventually { socket.closeInfo != nil })
                #expect(socket.closeInfo?.code.rawValue == code)
                #expect(socket.closeInfo?.isClean == true)
                #expect(socket.closeInfo?.initiator == .local)
            }
        }
    }

    // MARK: What came right before the end

    @Test(arguments: Setup.all, [false, true])
    func `messages right before a Close are answered before it is`(
        _ setup: Setup, endsWriting: Bool
    ) async throws {
        try await serving(setup.backend) { router in
            router.get("/") { _ in setup.echo() }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            var octets: [UInt8] = []
            for number in 0..<20 { octets += PeerFrame.text("\(number)").octets }
            try await peer.write(octets + PeerFrame.close(1000).octets)
            // A client may end its half at once: it still reads.
            if endsWriting { peer.endWriting() }
            for number in 0..<20 { #expect(try await peer.frame() == .text("\(number)")) }
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.isAtEnd())
        }
    }

    @Test(arguments: Setup.all)
    func `frames in the segment of the handshake are answered, a Close last`(
        _ setup: Setup
    ) async throws {
        try await serving(setup.backend) { router in
            router.get("/sync") { _ in setup.echo() }
            router.get("/async") { _ in
                await Task.yield()
                return setup.echo()
            }
        } client: { serving in
            for path in ["/sync", "/async"] {
                let peer = try await Peer.connect(serving.port)
                try await peer.write(
                    Array(Peer.handshake(path).utf8) + PeerFrame.text("early").octets
                        + PeerFrame.close(1000).octets)
                #expect(try await peer.reply().status == 101)
                #expect(try await peer.frame() == .text("early"))
                #expect(try await peer.frame() == .close(1000))
                #expect(try await peer.isAtEnd())
            }
        }
    }

    @Test func `a handler that never receives does not hold up the peer's Close`() async throws {
        let sockets = Recorder<WebSocket>()
        try await serving(limits: { $0.closeTimeout = .seconds(3600) }) { router in
            router.get("/") { _ in
                .upgrade { socket in
                    sockets.record(socket)
                    while socket.closeInfo == nil { try await Task.sleep(for: .milliseconds(5)) }
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            _ = try await sockets.next()
            #expect(try await peer.leave(1000) == .close(1000))
        }
    }

    @Test func `a peer that vanishes behind its Close is remembered by its code`() async throws {
        let seen = Recorder<Seen>()
        let go = Recorder<Void>()
        try await serving { router in
            router.get("/") { _ in
                .upgrade { socket in
                    _ = try await socket.receive()
                    seen.record(.started)
                    try await go.next()
                    // Nobody reads this: the connection breaks on it.
                    while socket.closeInfo == nil {
                        try? await socket.send(.binary(Array(repeating: 1, count: 50_000)))
                    }
                    seen.record(.ended(socket.closeInfo))
                }
            }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            try await peer.write(PeerFrame.text("x").octets + PeerFrame.close(4002, "bye").octets)
            #expect(try await seen.next() == .started)
            peer.close()
            go.record()
            guard case .ended(let info?) = try await seen.next() else {
                Issue.record("no end")
                return
            }
            #expect(info.code.rawValue == 4002)
            #expect(info.reason == "bye")
            #expect(info.initiator == .remote)
            #expect(!info.isClean)
        }
    }

    // MARK: Control frames

    @Test func `control frames are answered unseen, and shown if asked for`() async throws {
        let seen = Recorder<Seen>()
        try await serving { router in
            router.get("/hidden") { _ in .upgrade(Self.record(seen)) }
            router.get("/shown") { _ in
                .upgrade(options: .init(showsControlFrames: true), Self.record(seen))
            }
        } client: { serving in
            for path in ["/hidden", "/shown"] {
                let peer = try await Peer.open(serving.port, path)
                try await peer.send(.ping([1, 2]))
                #expect(try await peer.frame() == .pong([1, 2]))
                try await peer.send(.pong([3]))
                try await peer.send(.text("t"))
                if path == "/shown" {
                    #expect(try await seen.next() == .message(.ping([1, 2])))
                    #expect(try await seen.next() == .message(.pong([3])))
                }
                #expect(try await seen.next() == .message(.text("t")))
                try await peer.leave()
                guard case .ended = try await seen.next() else {
                    Issue.record("no end")
                    return
                }
            }
        }
    }
}
