// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// What a peer's messages may cost: what is just allowed passes, one more closes or waits.
@Suite("Limits on messages", .timeLimit(.minutes(2))) struct MessageLimitTests {
    /// One limit, by the server and by a route of its own.
    private struct Sizes {
        let options: UpgradeOptions
        let path: String
        let message: Int
        let frame: Int
        let fragments: Int
    }

    private static let sizes = [
        Sizes(options: .init(), path: "/", message: 1000, frame: 300, fragments: 6),
        Sizes(
            options: .init(messageSizeMaxBytes: 10, frameSizeMaxBytes: 7, fragmentCountMax: 2),
            path: "/less", message: 10, frame: 7, fragments: 2),
        Sizes(
            options: .init(
                messageSizeMaxBytes: 5000, frameSizeMaxBytes: 5000, fragmentCountMax: 9),
            path: "/more", message: 5000, frame: 5000, fragments: 9),
    ]

    private static func octets(_ count: Int) -> [UInt8] {
        [UInt8](repeating: 0x78, count: count)
    }

    /// A message of `total` octets in frames of at most `frame`.
    private static func frames(_ total: Int, of frame: Int) -> [WireFrame] {
        var left = total
        var frames: [WireFrame] = []
        repeat {
            let size = min(left, frame)
            left -= size
            frames.append(
                frames.isEmpty
                    ? .binary(octets(size), isFinal: left == 0)
                    : .continuation(octets(size), isFinal: left == 0))
        } while left > 0
        return frames
    }

    @Test(arguments: Setup.all)
    func `the largest message, frame and number of fragments pass, one more gets 1009`(
        setup: Setup
    ) async throws {
        var router = Router()
        for size in Self.sizes {
            router.get(size.path) { _ in setup.echo(options: size.options, runs: Counter()) }
        }
        let configuration = setup.configuration {
            $0.limits.messageSizeMaxBytes = 1000
            $0.limits.frameSizeMaxBytes = 300
            $0.limits.fragmentCountMax = 6
        }
        try await withServer(router, configuration) { _, address in
            for size in Self.sizes {
                let empty = WireFrame.continuation([], isFinal: false)
                let parts = [.binary([], isFinal: false)] + Array(repeating: empty, count: 20)
                let good = [
                    Self.frames(size.frame, of: size.frame),
                    Self.frames(size.message, of: size.frame),
                    Self.frames(0, of: size.frame),
                    parts.prefix(size.fragments - 1) + [.continuation([1])],
                ]
                let tooMuch = [
                    Self.frames(size.frame + 1, of: size.frame + 1),
                    Self.frames(size.message + 1, of: size.frame),
                    Array(parts.prefix(size.fragments + 1)),
                ]
                for bad in tooMuch {
                    let client = try RawClient(address, upgradedAt: size.path)
                    for message in good {
                        try client.send(message.flatMap { $0.octets(to: .server) })
                        #expect(try client.readFrame() == .binary(message.flatMap(\.payload)))
                    }
                    try client.send(bad.flatMap { $0.octets(to: .server) })
                    #expect(try client.readFramesToEnd().frames.map(\.closeCode) == [1009])
                }
            }
        }
    }

    /// A peer that answers every ping, and yet never ends its message.
    @Test(arguments: Setup.all, [true, false])
    func `a message that does not go on gets 1008, whatever else its peer says`(
        setup: Setup, isWholeFrame: Bool
    ) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter(), ends: ends) }
        let configuration = setup.configuration {
            $0.limits.messageStallTimeout = .milliseconds(200)
            $0.limits.pingInterval = .milliseconds(20)
        }
        try await withServer(router, configuration) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            let begun = WireFrame.text("begun", isFinal: false).octets(to: .server)
            try client.send(isWholeFrame ? begun[...] : begun.dropLast(2))
            var frame = try client.readFrame()
            while frame == .ping([]) {
                // Within a frame nothing else can be said.
                if isWholeFrame { try client.send(.pong()) }
                frame = try client.readFrame()
            }
            #expect(frame == .close(1008))
            if !isWholeFrame { try client.send(begun.suffix(2)) }
            try client.send(.close(1008))
            #expect(try await eventually { ends.all.count == 1 })
            #expect(ends.all.first?.cause == .messageStalled)
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable, [true, false])
    func `an inbox takes so many messages or octets, and more when half is taken`(
        backend: WebSocketServer.Backend, isCounted: Bool
    ) async throws {
        let go = Recorder<Void>()
        let taken = Recorder<Message>()
        var router = Router()
        router.get("/") { _ in
            .upgrade { socket in
                for _ in 0..<10 {
                    try await go.next()
                    if let message = try await socket.receive() { taken.record(message) }
                }
                for try await _ in socket {}
            }
        }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            if isCounted {
                $0.limits.inboxMaxMessages = 4
            } else {
                // Full with the fourth message of 30 octets.
                $0.limits.inboxMaxBytes = 100
            }
        }
        try await withServer(router, configuration) { server, address in
            let client = try RawClient(address, upgradedAt: "/")
            let messages = (0..<10).map { [UInt8](repeating: UInt8($0), count: 30) }
            let frame = WireFrame.binary(messages[0]).octets(to: .server).count
            try client.send(messages.flatMap { WireFrame.binary($0).octets(to: .server) })
            // Four wait in the inbox; the rest is held as it came.
            #expect(await server.settles { $0.octetsHeld == 6 * frame })
            go.record()
            #expect(try await taken.next() == .binary(messages[0]))
            if isCounted {
                // Three is more than half.
                #expect(server.statistics.octetsHeld == 6 * frame)
                go.record()
                #expect(try await taken.next() == .binary(messages[1]))
                #expect(await server.settles { $0.octetsHeld == 4 * frame })
            } else {
                for number in 1..<3 {
                    #expect(server.statistics.octetsHeld == 6 * frame)
                    go.record()
                    #expect(try await taken.next() == .binary(messages[number]))
                }
                #expect(await server.settles { $0.octetsHeld == 3 * frame })
            }
            for _ in 0..<10 { go.record() }
            let count = isCounted ? 2 : 3
            for message in messages[count...] {
                #expect(try await taken.next() == .binary(message))
            }
            try client.closeCleanly()
        }
    }
}
