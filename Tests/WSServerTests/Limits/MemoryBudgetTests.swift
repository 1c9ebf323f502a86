// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing
import WSServer

/// What all sockets of a server may hold together.
@Suite("The memory budget", .timeLimit(.minutes(2))) struct MemoryBudgetTests {
    private static let mebibyte = 1 << 20
    /// What a loop may hold without telling the budget.
    private static let untold = 1 << 16

    /// Begins a message of which `octets` come.
    private static func begin(_ octets: Int, on peer: Peer) async throws {
        var frame = PeerFrame.binary(Array(repeating: 7, count: octets))
        frame.isFinal = false
        try await peer.send(frame)
    }

    private static func end(on peer: Peer) async throws {
        try await peer.send(PeerFrame(opcode: 0, payload: []))
    }

    private static func routes(_ ends: Recorder<CloseInfo>) -> (inout Router) -> Void {
        { router in
            router.get("/callback") { _ in .upgrade(handler: { Echo(ends: ends) }) }
            router.get("/task") { _ in
                .upgrade { socket in
                    defer { if let info = socket.closeInfo { ends.record(info) } }
                    for try await message in socket { try await socket.send(message) }
                }
            }
            router.get("/plain") { _ in .text("plain") }
        }
    }

    private struct Echo: SocketHandler {
        let ends: Recorder<CloseInfo>
        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
            socket.send(message)
        }
        mutating func closed(_ info: CloseInfo) { ends.record(info) }
    }

    @Test(arguments: WebSocketServer.Backend.testable, ["/callback", "/task"])
    func `above it the largest is closed with 1013, and the others go on`(
        _ backend: WebSocketServer.Backend, _ path: String
    ) async throws {
        let budget = MemoryBudget(limitBytes: Self.mebibyte)
        let ends = Recorder<CloseInfo>()
        try await serving(
            backend, configure: { $0.memoryBudget = budget }, routes: Self.routes(ends)
        ) {
            serving in
            let small = try await Peer.open(serving.port, path)
            let large = try await Peer.open(serving.port, path)
            try await Self.begin(500_000, on: small)
            #expect(try await eventually { budget.heldBytes >= 500_000 - Self.untold })
            try await Self.begin(700_000, on: large)
            let close = try await large.frame()
            #expect(close?.opcode == 8)
            #expect(close?.payload.prefix(2).elementsEqual([0x03, 0xF5]) == true)
            #expect(try await large.isAtEnd())
            let info = try await ends.next()
            #expect(info.cause == .overloaded)
            #expect(info.code == .tryAgainLater)
            try await Self.end(on: small)
            #expect(try await small.frame()?.payload.count == 500_000)
            #expect(try await small.leave() != nil)
            #expect(try await eventually { budget.heldBytes < Self.untold })
        }
        #expect(try await eventually { budget.heldBytes == 0 })
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `near it handshakes get 503, and are let in again below`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let budget = MemoryBudget(limitBytes: Self.mebibyte)
        try await serving(
            backend, configure: { $0.memoryBudget = budget }, routes: Self.routes(Recorder())
        ) { serving in
            let holder = try await Peer.open(serving.port, "/callback")
            try await Self.begin(1_000_000, on: holder)
            #expect(try await eventually { budget.heldBytes >= 1_000_000 - Self.untold })
            let refused = try await Peer.connect(serving.port)
            #expect(try await refused.request(Peer.handshake("/task")).status == 503)
            #expect(try await refused.isAtEnd())
            let plain = try await Peer.connect(serving.port)
            #expect(
                try await plain.request("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            try await Self.end(on: holder)
            #expect(try await holder.frame()?.payload.count == 1_000_000)
            #expect(try await eventually { budget.heldBytes < Self.untold })
            let late = try await Peer.open(serving.port, "/task")
            try await late.send(.text("late"))
            #expect(try await late.frame()?.payload.elementsEqual("late".utf8) == true)
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `messages that wait for a handler count, and are given up`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let budget = MemoryBudget(limitBytes: Self.mebibyte)
        let (ends, gate) = (Recorder<CloseInfo>(), Recorder<Void>())
        try await serving(
            backend,
            configure: {
                $0.memoryBudget = budget
                $0.limits.inboxMaxBytes = 4 * Self.mebibyte
            },
            routes: { router in
                router.get("/") { _ in
                    .upgrade { socket in
                        var count = 0
                        do {
                            for try await _ in socket {
                                if count == 0 { try await gate.next() }
                                count += 1
                            }
                        } catch {}
                        if let info = socket.closeInfo { ends.record(info) }
                    }
                }
            }
        ) { serving in
            let peer = try await Peer.open(serving.port)
            for _ in 0..<4 {
                try await peer.send(.binary(Array(repeating: 7, count: 400_000)))
            }
            #expect(try await peer.frame()?.payload.prefix(2).elementsEqual([0x03, 0xF5]) == true)
            gate.record()
            #expect(try await ends.next().cause == .overloaded)
        }
        #expect(try await eventually { budget.heldBytes == 0 })
    }
}
