// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing
import WSServer
import WireSamples

/// What each policy does with messages for a peer that reads too slowly.
@Suite("Back-pressure policies", .timeLimit(.minutes(3))) struct BackPressurePolicyTests {
    private static let size = 10_000

    /// As many turns, each of which fills a queue, as fill the kernel between us and a client that
    /// takes little.
    private static let turns = (10 << 20) / 65_536

    private static func message(_ number: Int) -> Message {
        .binary(
            [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
                + Array(repeating: UInt8(truncatingIfNeeded: number), count: size - 2))
    }

    /// The number of a message, if it is whole.
    private static func number(of frame: ServerFrame) -> Int? {
        guard frame.opcode == 2, frame.payload.count == size, frame.reserved == 0 else {
            return nil
        }
        let number = Int(frame.payload[0]) << 8 | Int(frame.payload[1])
        let low = UInt8(truncatingIfNeeded: number)
        return frame.payload[2...].allSatisfy { $0 == low } ? number : nil
    }

    /// Sends, at each text, as many numbered messages as it says and then a ping that says the
    /// same; records how many have been dropped by then.
    private struct Source: SocketHandler {
        var next = 0
        let asked: Recorder<Int>
        let results: Recorder<LoopSocket.SendResult>
        let ends: Recorder<CloseInfo>

        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
            guard let text = message.text, let count = Int(text) else { return }
            for _ in 0..<count {
                results.record(socket.send(BackPressurePolicyTests.message(next)))
                next += 1
            }
            socket.ping(Array(text.utf8))
            asked.record(socket.messagesDropped)
        }
        mutating func closed(_ info: CloseInfo) { ends.record(info) }
    }

    private static func route(
        _ setup: Setup, _ options: UpgradeOptions, asked: Recorder<Int> = Recorder(),
        results: Recorder<LoopSocket.SendResult> = Recorder(),
        ends: Recorder<CloseInfo> = Recorder()
    ) -> Router {
        var router = Router()
        router.get("/") { _ in
            switch setup.door {
            case .callback:
                .upgrade(
                    options: options,
                    handler: { Source(asked: asked, results: results, ends: ends) })
            case .conversation:
                .upgrade(options: options) { socket in
                    do {
                        try await Self.serve(socket, asked)
                    } catch {
                        try await socket.close()
                    }
                    if let info = socket.closeInfo { ends.record(info) }
                }
            }
        }
        return router
    }

    private static func serve(_ socket: WebSocket, _ asked: Recorder<Int>) async throws {
        var next = 0
        for try await message in socket {
            guard case .text(let text) = message, let count = Int(text) else { continue }
            for _ in 0..<count {
                try await socket.send(Self.message(next))
                next += 1
            }
            try await socket.ping(Array(text.utf8))
            asked.record(await socket.messagesDropped)
        }
    }

    /// Reads so many messages and pings, however they mix; gives the numbers of the messages.
    private static func collect(
        _ client: RawClient, _ messages: Int, pings: Int, _ ping: String
    ) throws -> [Int] {
        let frames = try client.readFrames(messages + pings)
        #expect(frames.filter { $0 == .ping(Array(ping.utf8)) }.count == pings)
        return frames.compactMap { number(of: $0) }
    }

    /// Asks for 20 messages in each of many turns, without reading, until the kernel is full;
    /// gives how many messages have been dropped.
    private static func overflow(
        _ client: RawClient, _ server: WebSocketServer, _ asked: Recorder<Int>
    ) async throws -> Int {
        var dropped = 0
        for _ in 0..<turns {
            try client.send(.text("20"))
            dropped = try await asked.next()
        }
        // Above the mark, or a quarter below it for what was dropped; with all pings.
        #expect(await server.settles { $0.octetsQueued >= 49_152 })
        #expect(server.statistics.octetsQueued < 65_536 + size + 4 + turns * 4)
        return dropped
    }

    @Test(arguments: Setup.all)
    func `the newest are dropped, and the next that fits is sent`(setup: Setup) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        let asked = Recorder<Int>()
        let router = Self.route(
            setup, .init(backPressure: .dropNewest), asked: asked, results: results)
        try await withServer(router, setup.configuration()) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            // In one turn: seven fit, and the ping goes ahead of them.
            try client.send(.text("100"))
            #expect(try await asked.next() == 93)
            #expect(try client.readFrame() == .ping(Array("100".utf8)))
            #expect(try Self.collect(client, 7, pings: 0, "") == Array(0..<7))
            if setup.door == .callback {
                #expect(
                    results.all == Array(repeating: .sent, count: 6) + [.pressured]
                        + Array(repeating: .dropped, count: 93))
            }
            let dropped = try await Self.overflow(client, server, asked) - 93
            let kept = Self.turns * 20 - dropped
            let numbers = try Self.collect(client, kept, pings: Self.turns, "20")
            #expect(dropped > 0)
            #expect(numbers.count == kept)
            #expect(numbers == numbers.sorted() && Set(numbers).count == kept)
            // There is room again.
            try client.send(.text("1"))
            #expect(try Self.collect(client, 1, pings: 1, "1") == [100 + Self.turns * 20])
            try client.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `the oldest are dropped, and the newest arrives`(setup: Setup) async throws {
        let asked = Recorder<Int>()
        let router = Self.route(setup, .init(backPressure: .dropOldest), asked: asked)
        try await withServer(router, setup.configuration()) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            try client.send(.text("100"))
            let first = try await asked.next()
            #expect((93...95).contains(first))
            #expect(
                try Self.collect(client, 100 - first, pings: 1, "100") == Array(first..<100))
            let dropped = try await Self.overflow(client, server, asked) - first
            let kept = Self.turns * 20 - dropped
            let numbers = try Self.collect(client, kept, pings: Self.turns, "20")
            #expect(dropped > 0)
            #expect(numbers.count == kept)
            #expect(numbers == numbers.sorted() && Set(numbers).count == kept)
            #expect(numbers.last == 100 + Self.turns * 20 - 1)
            try client.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `the socket is closed with 1013`(setup: Setup) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        let ends = Recorder<CloseInfo>()
        let router = Self.route(
            setup, .init(backPressure: .close), results: results, ends: ends)
        let configuration = setup.configuration { $0.limits.closeTimeout = .milliseconds(50) }
        try await withServer(router, configuration) { _, address in
            let polite = try RawClient(address, upgradedAt: "/")
            try polite.send(.text("100"))
            #expect(try polite.readFrame() == .close(1013))
            try polite.sendWhileOpen(WireFrame.close(1013).octets(to: .server))
            #expect(try polite.readEnd() == .fin)
            let info = try await ends.next()
            #expect(info.cause == .backlogExceeded)
            #expect(info.code == .tryAgainLater)
            if setup.door == .callback {
                #expect(
                    results.all == Array(repeating: .sent, count: 6) + [.pressured]
                        + Array(repeating: .closed, count: 93))
            }
            // One that does not read gets it behind what the kernel has, if it ever reads.
            let slow = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            for _ in 0..<Self.turns * 8 {
                try slow.sendWhileOpen(WireFrame.text("1").octets(to: .server))
            }
            let end = try await ends.next()
            #expect(end.cause == .backlogExceeded)
            #expect(!end.isClean)
        }
    }

    @Test(arguments: Setup.all)
    func `control frames do not wait for data that does`(setup: Setup) async throws {
        let results = Recorder<LoopSocket.SendResult>()
        let router = Self.route(setup, .init(), results: results)
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(.text("7"))
            #expect(try client.readFrame() == .ping([0x37]))
            for number in 0..<7 { #expect(Self.number(of: try client.readFrame()) == number) }
            try client.closeCleanly()
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a pong is sent ahead of data that waits`(
        backend: WebSocketServer.Backend
    ) async throws {
        let setup = Setup(backend: backend, door: .callback)
        let router = Self.route(setup, .init(backPressure: .dropNewest))
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(.text("9"), .ping([1, 2, 3]))
            #expect(try client.readFrames(2) == [.ping([0x39]), .pong([1, 2, 3])])
            for number in 0..<7 { #expect(Self.number(of: try client.readFrame()) == number) }
            // A Close is behind all that was sent before it.
            try client.send(.text("9"), .close(1000))
            #expect(try client.readFrame() == .ping([0x39]))
            for number in 9..<16 { #expect(Self.number(of: try client.readFrame()) == number) }
            let (frames, end) = try client.readFramesToEnd()
            #expect(frames == [.close(1000)])
            #expect(end == .fin)
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `nothing overtakes the 101`(backend: WebSocketServer.Backend) async throws {
        struct Greeting: SocketHandler {
            mutating func opened(_ socket: LoopSocket) {
                for number in 0..<7 { socket.send(BackPressurePolicyTests.message(number)) }
                socket.ping()
            }
            mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {}
        }
        var router = Router()
        router.get("/") { _ in .upgrade(handler: { Greeting() }) }
        try await withServer(router, .forTests(backend)) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            let frames = try client.readFrames(8)
            #expect(frames.filter { $0 == .ping([]) }.count == 1)
            #expect(frames.compactMap { Self.number(of: $0) } == Array(0..<7))
            try client.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `what is dropped does not break a compressed socket`(setup: Setup) async throws {
        for policy in [BackPressurePolicy.dropNewest, .dropOldest] {
            for takesOver in [true, false] {
                let settings = DeflateSettings(serverContextTakeover: takesOver)
                let router = Self.compressedRoute(
                    setup, .init(backPressure: policy, compression: .on(settings)))
                let configuration = setup.configuration {
                    $0.limits.sendQueueHighWaterBytes = 2000
                }
                try await withServer(router, configuration) { _, address in
                    let client = try CompressingClient(address, "/")
                    try client.send([.text("go")])
                    var numbers: [Int] = []
                    while !numbers.contains(-1) {
                        for message in try client.messages(1) {
                            guard case .text(let text) = message else { continue }
                            numbers.append(try #require(Int(text.drop { $0 == " " })))
                        }
                    }
                    #expect(numbers.removeLast() == -1)
                    #expect(!numbers.isEmpty && numbers.count < 300, "\(policy)")
                    #expect(numbers == numbers.sorted())
                    if policy == .dropOldest { #expect(numbers.last == 299) }
                    client.socket.reset()
                }
            }
        }
    }

    /// At any message, 300 that compress badly enough; then, when all have left, -1.
    private static func compressedRoute(_ setup: Setup, _ options: UpgradeOptions) -> Router {
        @Sendable func text(_ number: Int) -> Message {
            .text(String(repeating: " ", count: 1000 + number) + "\(number)")
        }
        struct Handler: SocketHandler {
            let text: @Sendable (Int) -> Message
            mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
                for number in 0..<300 { socket.send(text(number), compress: true) }
            }
            mutating func writable(_ socket: LoopSocket) { socket.send(.text("-1")) }
        }
        var router = Router()
        router.get("/") { _ in
            switch setup.door {
            case .callback: .upgrade(options: options, handler: { Handler(text: text) })
            case .conversation:
                .upgrade(options: options) { socket in
                    for try await _ in socket {
                        for number in 0..<300 {
                            try await socket.send(text(number), compress: true)
                        }
                        try await socket.writable()
                        try await socket.send(.text("-1"))
                    }
                }
            }
        }
        return router
    }

    /// Sends until the kernel takes no more and the queue is full.
    private static func fill(_ socket: WebSocket) async throws {
        for _ in 0..<turns {
            for number in 0..<8 { try await socket.send(message(number)) }
            // Another turn, so that the kernel gets what was sent in this.
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable, [false, true])
    func `writable waits until the queue has drained`(
        backend: WebSocketServer.Backend, isElsewhere: Bool
    ) async throws {
        let returned = Recorder<String>()
        var router = Router()
        router.get("/") { _ in
            .upgrade(options: .init(backPressure: .dropNewest)) { socket in
                @Sendable func wait() async {
                    do {
                        try await socket.writable()
                        returned.record("writable")
                    } catch {
                        returned.record("\(error.code)")
                    }
                }
                await wait()
                for try await message in socket {
                    switch message {
                    case .text("fill"):
                        try await Self.fill(socket)
                        if isElsewhere {
                            await Task.detached { await wait() }.value
                        } else {
                            await wait()
                        }
                        try await socket.send(.text("after"))
                    case .text("cancel"):
                        try await Self.fill(socket)
                        let task = Task { await wait() }
                        task.cancel()
                        await task.value
                        try await socket.send(.close(.normal, reason: ""))
                        await wait()
                    default: break
                    }
                }
            }
        }
        try await withServer(router, .forTests(backend)) { server, address in
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            #expect(try await returned.next() == "writable")
            for number in 0..<2 {
                try client.send(.text("fill"))
                #expect(await server.settles { $0.octetsQueued >= 65_536 })
                #expect(returned.all.count == 1 + number)
                var frame = try client.readFrame()
                while frame.opcode == 2 { frame = try client.readFrame() }
                #expect(frame == .text("after"))
                #expect(try await returned.next() == "writable")
            }
            try client.send(.text("cancel"))
            #expect(try await returned.next() == "cancelled")
            #expect(try await returned.next() == "closed")
            client.reset()
        }
    }
}

extension MessageView {
    /// The text of a text message.
    fileprivate var text: String? {
        switch self {
        case .text(let text): String(copying: text)
        case .binary: nil
        }
    }
}
