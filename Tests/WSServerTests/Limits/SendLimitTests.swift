// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// What a peer that takes nothing may make the server hold.
@Suite("Limits on sending", .timeLimit(.minutes(2))) struct SendLimitTests {
    /// Sends a number of messages at each message, whatever becomes of them.
    private struct Sender: SocketHandler {
        let count: Int
        let size: Int
        let results: Recorder<LoopSocket.SendResult>
        var writable = Recorder<Void>()
        let ends: Recorder<CloseInfo>
        private var next: UInt8 = 0

        init(
            count: Int, size: Int, results: Recorder<LoopSocket.SendResult>,
            writable: Recorder<Void> = Recorder(), ends: Recorder<CloseInfo> = Recorder()
        ) {
            (self.count, self.size, self.results) = (count, size, results)
            (self.writable, self.ends) = (writable, ends)
        }

        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
            for _ in 0..<count {
                results.record(socket.send(.binary(Array(repeating: next, count: size))))
                next &+= 1
            }
        }
        mutating func writable(_ socket: LoopSocket) { writable.record() }
        mutating func closed(_ info: CloseInfo) { ends.record(info) }
    }

    /// With a client that takes little, the kernel's own buffers hold less than this.
    private static let kernelHolds = 8 << 20

    @Test(arguments: WebSocketServer.Backend.testable)
    func `send waits above the high-water mark, and goes on as the peer reads`(
        backend: WebSocketServer.Backend
    ) async throws {
        let size = 10_000
        let count = Self.kernelHolds / size
        let sent = Counter()
        var router = Router()
        router.get("/") { _ in
            .upgrade { socket in
                for number in 0..<count {
                    try await socket.send(
                        .binary(Array(repeating: UInt8(truncatingIfNeeded: number), count: size)))
                    sent.increment()
                }
                for try await _ in socket {}
            }
        }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.sendQueueHighWaterBytes = 25_000
        }
        try await withServer(router, configuration) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            #expect(await server.settles { $0.octetsQueued > 12_500 })
            for _ in 0..<50 {
                #expect(server.statistics.octetsQueued < 25_000 + size + 4)
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(sent.value < count)
            for number in 0..<count {
                let frame = try client.readFrame()
                let expected = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
                let isSame = areSame(frame.payload[...], expected[...])
                try #require(isSame)
            }
            #expect(sent.value == count)
            try client.closeCleanly()
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a callback above the high-water mark gets no message until it is writable`(
        backend: WebSocketServer.Backend
    ) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        let writable = Recorder<Void>()
        var router = Router()
        router.get("/") { _ in
            .upgrade(handler: {
                Sender(count: 1, size: 100_000, results: results, writable: writable)
            }
            )
        }
        let asks = Self.kernelHolds / 100_000
        let configuration = WebSocketServer.Configuration.forTests(backend)
        try await withServer(router, configuration) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            let ask = WireFrame.text("more").octets(to: .server)
            try client.send(Array(repeating: ask, count: asks).flatMap(\.self))
            #expect(await server.settles { $0.octetsHeld > 0 && $0.octetsQueued > 32_768 })
            for _ in 0..<50 {
                #expect(server.statistics.octetsQueued < 65_536 + 100_010)
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(results.all.count < asks)
            #expect(results.all.allSatisfy { $0 == .pressured })
            for number in 0..<asks {
                let frame = try client.readFrame()
                let expected = [UInt8](repeating: UInt8(number), count: 100_000)
                let isSame = areSame(frame.payload[...], expected[...])
                try #require(isSame)
            }
            #expect(results.all.count == asks)
            #expect(try await eventually { writable.all.count == asks })
            try client.closeCleanly()
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a callback that sends all the same loses the connection at the hard limit`(
        backend: WebSocketServer.Backend
    ) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        let ends = Recorder<CloseInfo>()
        var router = Router()
        router.get("/") { _ in
            .upgrade(handler: { Sender(count: 30, size: 10_000, results: results, ends: ends) })
        }
        router.get("/echo") { _ in .upgrade(handler: { EchoHandler() }) }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.sendQueueHighWaterBytes = 50_000
            $0.limits.sendQueueMaxBytes = 200_000
        }
        try await withServer(router, configuration) { _, address in
            let neighbour = try RawClient(address, upgradedAt: "/echo")
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(.text("more"))
            let info = try await ends.next()
            #expect(info.cause == .backlogExceeded)
            #expect(info.code == .abnormal)
            #expect(info.octetsUnsent > 180_000 && info.octetsUnsent <= 200_000)
            // A frame of 10,000 octets is 10,004: four fit below the mark, nineteen in all.
            let expected: [LoopSocket.SendResult] =
                Array(repeating: .sent, count: 4) + Array(repeating: .pressured, count: 15)
                + Array(repeating: .closed, count: 11)
            #expect(results.all == expected)
            try neighbour.send(.text("still here"))
            #expect(try neighbour.readFrame() == .text("still here"))
            try neighbour.closeCleanly()
        }
    }

    /// One message may be larger than the limit: an empty queue takes it.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a message above the hard limit leaves from an empty queue`(
        backend: WebSocketServer.Backend
    ) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        var router = Router()
        router.get("/") { _ in
            .upgrade(handler: { Sender(count: 1, size: 500_000, results: results) })
        }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.sendQueueMaxBytes = 100_000
        }
        try await withServer(router, configuration) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            for number in 0..<3 {
                try client.send(.text("more"))
                let frame = try client.readFrame()
                let expected = [UInt8](repeating: UInt8(number), count: 500_000)
                let isSame = areSame(frame.payload[...], expected[...])
                try #require(isSame)
            }
            try client.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `a peer that takes nothing for too long is dropped`(setup: Setup) async throws {
        let ends = Recorder<CloseInfo>()
        var router = Router()
        router.get("/") { _ in
            switch setup.door {
            case .conversation:
                .upgrade { socket in
                    do {
                        while true {
                            try await socket.send(.binary(Array(repeating: 1, count: 50_000)))
                        }
                    } catch {
                        if let info = socket.closeInfo { ends.record(info) }
                        throw error
                    }
                }
            case .callback:
                .upgrade(handler: {
                    Sender(count: 1, size: Self.kernelHolds, results: Recorder(), ends: ends)
                })
            }
        }
        router.get("/echo") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration {
            $0.limits.sendStallTimeout = .milliseconds(300)
            $0.limits.messageSizeMaxBytes = Self.kernelHolds
        }
        try await withServer(router, configuration) { _, address in
            let neighbour = try RawClient(address, upgradedAt: "/echo")
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            if setup.door == .callback { try client.send(.text("more")) }
            let info = try await ends.next()
            #expect(info.cause == .sendStalled)
            #expect(info.code == .abnormal)
            #expect(!info.isClean)
            #expect(info.octetsUnsent > 0)
            try neighbour.send(.text("still here"))
            #expect(try neighbour.readFrame() == .text("still here"))
            try neighbour.closeCleanly()
            // What is behind the end is gone: a reset, not a stream that seems whole.
            while try client.receive(for: "end") { client.received = [] }
            #expect(client.end == .reset)
        }
    }

    @Test(arguments: Setup.all)
    func `pongs beyond their limit give way to the latest`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        for (limit, count) in [(0, 1), (1, 1), (6, 2), (16_384, 10)] {
            let configuration = setup.configuration { $0.limits.pongQueueMaxBytes = limit }
            try await withServer(router, configuration) { _, address in
                let client = try RawClient(address, upgradedAt: "/")
                for _ in 0..<3 {
                    // One segment, so that all are answered in one turn; a pong takes 3 octets.
                    let pings = (0..<10).map { WireFrame.ping([$0]) }
                    try client.send(pings.flatMap { $0.octets(to: .server) })
                    let answered = (0..<UInt8(count)).map { ServerFrame.pong([$0]) }
                    #expect(try client.readFrames(count) == answered)
                    if count < 10 { #expect(try client.readFrame() == .pong([9])) }
                }
                try client.closeCleanly()
            }
        }
    }
}
