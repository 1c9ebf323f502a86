// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// The callback door.
@Suite("SocketHandler", .timeLimit(.minutes(2))) struct SocketHandlerTests {
    static let backends = WebSocketServer.Backend.testable

    enum Call: Sendable, Equatable {
        case opened
        case received(Message)
        case writable
        case closed(CloseInfo)
        case result(LoopSocket.SendResult)
        case gone
    }

    /// Not Sendable, and not meant to be.
    final class Notebook {
        let calls: Recorder<Call>
        var received = 0

        init(_ calls: Recorder<Call>) { self.calls = calls }
        deinit { calls.record(.gone) }
    }

    /// Records every call, echoes, and does what a test has it do on certain texts.
    struct Recording: SocketHandler, ~Copyable {
        let notebook: Notebook
        var kept: LoopSocket?

        init(_ calls: Recorder<Call>) { notebook = Notebook(calls) }

        mutating func opened(_ socket: LoopSocket) {
            // A handler that keeps its socket must not keep itself alive.
            kept = socket
            notebook.calls.record(.opened)
            socket.send(.text("welcome"))
        }

        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
            notebook.received += 1
            let copy = Message(message)
            notebook.calls.record(.received(copy))
            switch copy {
            case .text("close"):
                notebook.calls.record(.result(socket.close(.normal, reason: "asked")))
                notebook.calls.record(.result(socket.send(.text("too late"))))
            case .text("refused"):
                notebook.calls.record(.result(socket.close(.abnormal)))
                notebook.calls.record(
                    .result(socket.ping(Array(repeating: 0, count: 126))))
            case .text("batch"):
                socket.send(contentsOf: [.text("1"), .binary([2]), .ping([3])])
            case .text("handle"):
                let handle = socket.webSocket
                Task.detached { try await handle.send(.text("from elsewhere")) }
            default: socket.send(message)
            }
        }

        mutating func writable(_ socket: LoopSocket) { notebook.calls.record(.writable) }

        mutating func closed(_ info: CloseInfo) {
            notebook.calls.record(.closed(info))
            if let kept { notebook.calls.record(.result(kept.send(.text("closed")))) }
        }
    }

    private func recording(
        _ backend: WebSocketServer.Backend = .epoll,
        _ body: (Peer, Recorder<Call>) async throws -> Void
    ) async throws {
        let calls = Recorder<Call>()
        try await serving(backend) { router in
            router.get("/") { _ in .upgrade(handler: { Recording(calls) }) }
        } client: { serving in
            let peer = try await Peer.open(serving.port)
            #expect(try await calls.next() == .opened)
            #expect(try await peer.frame() == .text("welcome"))
            try await body(peer, calls)
            // Whatever happened, the handler is let go, and nothing is called after `closed`.
            while try await calls.next() != .gone {}
            let end = calls.all.suffix(3)
            guard case .closed = end.first else {
                Issue.record("\(end)")
                return
            }
            #expect(end.dropFirst().first == .result(.closed))
        }
    }

    @Test(arguments: backends)
    func `calls come in order, and none after closed`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await recording(backend) { peer, calls in
            try await peer.write(
                PeerFrame.text("a").octets + PeerFrame.binary([1]).octets
                    + PeerFrame(opcode: 1, payload: Array("fra".utf8), isFinal: false).octets
                    + PeerFrame.ping([9]).octets
                    + PeerFrame(opcode: 0, payload: Array("gment".utf8)).octets
                    + PeerFrame.close(4000, "bye").octets + PeerFrame.text("late").octets)
            #expect(try await calls.next() == .received(.text("a")))
            #expect(try await calls.next() == .received(.binary([1])))
            #expect(try await calls.next() == .received(.text("fragment")))
            guard case .closed(let info) = try await calls.next() else {
                Issue.record("not closed")
                return
            }
            #expect(info.code.rawValue == 4000)
            #expect(info.reason == "bye")
            #expect(info.initiator == .remote)
            #expect(info.isClean)
            #expect(try await peer.frame() == .text("a"))
            #expect(try await peer.frame() == .binary([1]))
            #expect(try await peer.frame() == .pong([9]))
            #expect(try await peer.frame() == .text("fragment"))
            #expect(try await peer.frame() == .close(4000))
            #expect(try await peer.isAtEnd())
        }
    }

    @Test(arguments: backends)
    func `a handler may close from inside received, and gets nothing more`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await recording(backend) { peer, calls in
            try await peer.write(PeerFrame.text("close").octets + PeerFrame.text("x").octets)
            #expect(try await peer.frame() == .close(1000, "asked"))
            try await peer.write(PeerFrame.text("y").octets + PeerFrame.close(1000).octets)
            #expect(try await peer.isAtEnd())
            #expect(try await calls.next() == .received(.text("close")))
            #expect(try await calls.next() == .result(.sent))
            #expect(try await calls.next() == .result(.closed))
            guard case .closed(let info) = try await calls.next() else {
                Issue.record("not closed")
                return
            }
            #expect(info.initiator == .local)
            #expect(info.isClean)
        }
    }

    @Test func `what may not be sent is refused, and does no harm`() async throws {
        try await recording { peer, calls in
            try await peer.send(.text("refused"))
            _ = try await calls.next()
            #expect(try await calls.next() == .result(.refused(.invalidCloseCode)))
            #expect(try await calls.next() == .result(.refused(.controlPayloadTooLong)))
            try await peer.send(.text("fine"))
            #expect(try await peer.frame() == .text("fine"))
            try await peer.leave()
        }
    }

    @Test func `a batch and a handle on another thread send too`() async throws {
        try await recording { peer, _ in
            try await peer.send(.text("batch"))
            #expect(try await peer.frame() == .text("1"))
            #expect(try await peer.frame() == .binary([2]))
            #expect(try await peer.frame() == .ping([3]))
            try await peer.send(.text("handle"))
            #expect(try await peer.frame() == .text("from elsewhere"))
            try await peer.leave()
        }
    }

    @Test(arguments: backends)
    func `a lost connection and a violation are told`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await recording(backend) { peer, calls in
            peer.reset()
            guard case .closed(let info) = try await calls.next() else {
                Issue.record("not closed")
                return
            }
            #expect(info.code == .abnormal)
            #expect(!info.isClean)
        }
        try await recording(backend) { peer, calls in
            try await peer.write(PeerFrame.text("good").octets + [0xFF, 0x80])
            #expect(try await peer.frame() == .text("good"))
            #expect(try await peer.frame() == .close(1002))
            #expect(try await calls.next() == .received(.text("good")))
            guard case .closed(let info) = try await calls.next() else {
                Issue.record("not closed")
                return
            }
            #expect(info.code == .protocolError)
        }
    }

    /// Objects of a conversation and of its handler are let go when they are over.
    @Test(arguments: backends)
    func `a conversation leaves nothing behind`(_ backend: WebSocketServer.Backend) async throws {
        final class Canary: Sendable {
            let gone: Recorder<Void>
            init(_ gone: Recorder<Void>) { self.gone = gone }
            deinit { gone.record() }
        }
        let gone = Recorder<Void>()
        try await serving(backend) { router in
            for path in ["/return", "/throw", "/close"] {
                router.get(path) { _ in
                    let canary = Canary(gone)
                    return .upgrade { socket in
                        defer { withExtendedLifetime(canary) {} }
                        for try await message in socket {
                            if path == "/return" { return }
                            if path == "/throw" { throw CancellationError() }
                            try await socket.send(message)
                            try await socket.close()
                        }
                    }
                }
            }
        } client: { serving in
            for path in ["/return", "/throw", "/close"] {
                for reset in [false, true] {
                    let peer = try await Peer.open(serving.port, path)
                    try await peer.send(.text("go"))
                    if reset { peer.reset() } else { _ = try await peer.answerClose() }
                    try await gone.next()
                }
            }
        }
    }
}
