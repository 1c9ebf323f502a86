// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// Fragments, pings and the closing handshake where a peer makes the most of them.
@Suite("RFC 6455 sections 5.4, 5.5 and 7: fragments, pings, closing", .timeLimit(.minutes(3)))
struct ClosingTests {
    private static func echoing(
        _ setup: Setup, options: UpgradeOptions = UpgradeOptions(), ends: CloseInfos = CloseInfos()
    ) -> Router {
        var router = Router()
        router.get("/") { _ in setup.echo(options: options, runs: Counter(), ends: ends) }
        return router
    }

    @Test(arguments: Setup.all, [[], [0x61]] as [[UInt8]])
    func `fragments have an end, empty ones too`(setup: Setup, part: [UInt8]) async throws {
        let router = Self.echoing(setup, options: .init(fragmentCountMax: 5))
        try await withServer(router, setup.configuration()) { _, address in
            let first = WireFrame.binary(part, isFinal: false)
            let next = WireFrame.continuation(part, isFinal: false)
            let last = WireFrame.continuation(part)
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(first, next, next, next, last)
            #expect(
                try client.readFrame() == .binary(Array(repeating: part, count: 5).flatMap(\.self)))
            try client.send(first, next, next, next, next, next)
            let (frames, _) = try client.readFramesToEnd()
            #expect(frames.map(\.closeCode) == [1009])
        }
    }

    @Test(arguments: Setup.all)
    func `half a message and silence end by the ping, a peer that answers stays`(
        setup: Setup
    ) async throws {
        let ends = CloseInfos()
        let router = Self.echoing(
            setup, options: .init(pingInterval: .milliseconds(50), pongTimeout: .milliseconds(400)),
            ends: ends)
        try await withServer(router, setup.configuration()) { _, address in
            let answering = try RawClient(address, upgradedAt: "/")
            try answering.send(.text("a", isFinal: false))
            for _ in 0..<3 {
                #expect(try answering.readFrame() == .ping([]))
                try answering.send(.pong())
            }
            let silent = try RawClient(address, upgradedAt: "/")
            try silent.send(.text("a", isFinal: false))
            #expect(try silent.readFrame() == .ping([]))
            #expect(try silent.readFramesToEnd().frames == [])
            #expect(try await eventually { !ends.all.isEmpty })
            #expect(ends.all.contains { $0.cause == .pongTimeout && $0.code == .abnormal })
            answering.reset()
        }
    }

    @Test(arguments: Setup.all)
    func `ten pings get ten pongs, a flood that is not read the latest`(
        setup: Setup
    ) async throws {
        let router = Self.echoing(setup)
        try await withServer(router, setup.configuration()) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            let pings = (0..<10).map { WireFrame.ping([UInt8($0)]) }
            try client.send(pings.flatMap { $0.octets(to: .server) })
            #expect(try client.readFrames(10) == (0..<10).map { .pong([$0]) })
            // Until the server has stopped taking them in or has pongs that wait.
            let ping = WireFrame.ping([UInt8](repeating: 0x55, count: 125)).octets(to: .server)
            let flood = Array(repeating: ping, count: 400).flatMap(\.self)
            for _ in 0..<200 {
                try client.sendWhileOpen(flood)
                #expect(server.statistics.octetsQueued <= 64 * 1024)
            }
            try client.send(.ping([0x77]))
            var latest: ServerFrame?
            while latest != .pong([0x77]) {
                latest = try client.readFrame()
                #expect(latest?.opcode == 10)
            }
            try client.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `a peer that does not answer our Close is left after the time-out`(
        setup: Setup
    ) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in
            switch setup.door {
            case .conversation:
                .upgrade { socket in
                    try? await socket.close(CloseCode(rawValue: 4001))
                    if let info = socket.closeInfo { ends.append(info) }
                }
            case .callback: .upgrade(handler: { Closer(ends: ends) })
            }
        }
        let configuration = setup.configuration { $0.limits.closeTimeout = .milliseconds(100) }
        try await withServer(router, configuration) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            #expect(try client.readFrame() == .close(4001))
            try client.send(.text("not an answer"))
            #expect(try client.readFramesToEnd().frames == [])
            #expect(try await eventually { ends.all.count == 1 })
            #expect(ends.all.first?.cause == .closeTimeout)
        }
    }

    private struct Closer: SocketHandler {
        let ends: CloseInfos
        mutating func opened(_ socket: LoopSocket) { socket.close(CloseCode(rawValue: 4001)) }
        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {}
        mutating func closed(_ info: CloseInfo) { ends.append(info) }
    }

    @Test(arguments: Setup.all)
    func `what stands behind a Close is nobody's, and what stands before it is answered`(
        setup: Setup
    ) async throws {
        let router = Self.echoing(setup)
        try await withServer(router, setup.configuration()) { _, address in
            for code in [1000, 1001, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] as [UInt16] {
                let client = try RawClient(address, upgradedAt: "/")
                try client.send(
                    .text("one"), .binary([2]), .ping([3]), .close(code, Array("why".utf8)),
                    .text("behind"), .ping(), .close(1002), WireFrame(3))
                let (frames, end) = try client.readFramesToEnd()
                #expect(frames.filter { !$0.isControl } == [.text("one"), .binary([2])])
                #expect(frames.filter(\.isControl) == [.pong([3]), .close(code)])
                #expect(frames.last == .close(code))
                #expect(end == .fin)
            }
            // In the midst of a message: there is no rule against it.
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(.text("half", isFinal: false), .close(1000))
            #expect(try client.readFramesToEnd().frames == [.close(1000)])
        }
    }

    /// RFC 9112 section 9.6: closing while octets arrive would reset the connection, and the reset
    /// would destroy what was sent.
    @Test(arguments: Setup.all)
    func `a Close reaches a client that goes on sending`(setup: Setup) async throws {
        let router = Self.echoing(setup)
        try await withServer(router, setup.configuration()) { _, address in
            for _ in 0..<10 {
                let client = try RawClient(address, upgradedAt: "/")
                try client.send(WireFrame(3).octets(to: .server))
                // Within what the server reads while it lingers.
                try client.sendWhileOpen([UInt8](repeating: 0, count: 60_000))
                let (frames, end) = try client.readFramesToEnd()
                #expect(frames.map(\.closeCode) == [1002])
                #expect(end == .fin)
            }
        }
    }
}
