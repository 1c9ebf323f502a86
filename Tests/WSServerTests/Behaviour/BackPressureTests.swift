// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// A reader that stops reading, and a handler that stops reading: what is held stays within the
/// limits, others are served, and both go on where they were.
@Suite("Back-pressure", .timeLimit(.minutes(3))) struct BackPressureTests {
    /// What the kernel's buffers and ours hold together stays below this: a client that takes
    /// little cannot push more through an echo that it does not read.
    private static let floodMax = 64 << 20

    /// What a server may hold for one client: the inbox, and what the kernel had delivered before
    /// reading stopped, at the most all buffers of the loop: 64 of 32 KiB.
    private static let heldMax = 64 * 1024 + 64 * 32 * 1024

    private static let chunkSize = 20_000
    private static let filling = [UInt8]((0..<chunkSize - 2).map { UInt8(truncatingIfNeeded: $0) })

    /// The message of that number.
    private static func message(_ number: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)] + filling
    }

    /// Sends numbered messages until the server takes no more for a while; gives how many it took
    /// whole, and what is left of the one begun.
    private static func flood(
        _ client: RawClient, _ server: WebSocketServer
    ) async throws -> (count: Int, rest: ArraySlice<UInt8>) {
        var rest: ArraySlice<UInt8> = []
        var count = 0
        var stalls = 0
        while stalls < 100, count * chunkSize < floodMax {
            if rest.isEmpty {
                rest = WireFrame.binary(message(count)).octets(to: .server)[...]
                count += 1
            }
            let taken = try client.sendWithoutWaiting(rest)
            rest = rest.dropFirst(taken)
            if taken == 0 {
                stalls += 1
                try await Task.sleep(for: .milliseconds(2))
            } else {
                stalls = 0
            }
            let statistics = server.statistics
            #expect(statistics.octetsHeld <= heldMax)
            #expect(statistics.octetsQueued <= 64 * 1024 + chunkSize + 4)
        }
        try #require(count * chunkSize < floodMax)
        return (count, rest)
    }

    private static func expectEcho(_ client: RawClient, _ numbers: Range<Int>) throws {
        for number in numbers {
            let frame = try client.readFrame()
            let isSame = frame.opcode == 2 && areSame(frame.payload[...], message(number)[...])
            try #require(isSame, "message \(number)")
        }
    }

    @Test(arguments: Setup.all)
    func `a reader that stops reading stops being read, and goes on in order`(
        setup: Setup
    ) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        try await withServer(router, setup.configuration()) { server, address in
            let neighbour = try RawClient(address, upgradedAt: "/")
            let client = try RawClient(address, upgradedAt: "/", receiveBufferBytes: 4096)
            for _ in 0..<2 {
                let (count, rest) = try await Self.flood(client, server)
                for number in 0..<50 {
                    try neighbour.send(.text("\(number)"))
                    #expect(try neighbour.readFrame() == .text("\(number)"))
                }
                try Self.expectEcho(client, 0..<count - 1)
                try client.send(rest)
                try Self.expectEcho(client, count - 1..<count)
                #expect(await server.settles { $0.octetsHeld == 0 && $0.octetsQueued == 0 })
            }
            try client.closeCleanly()
            try neighbour.closeCleanly()
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `a handler that stops reading keeps its peer, which is not pinged meanwhile`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        let go = Recorder<Void>()
        var router = Router()
        router.get("/") { _ in
            .upgrade { socket in
                try await go.next()
                var count = 0
                for try await message in socket {
                    if case .text = message {
                        try await socket.send(.text("\(count)"))
                    } else if message == .binary(Self.message(count)) {
                        count += 1
                    }
                }
            }
        }
        let patient = UpgradeOptions(pingInterval: .milliseconds(30), pongTimeout: .seconds(60))
        router.get("/pinged") { _ in .upgrade(options: patient) { for try await _ in $0 {} } }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.pingInterval = .milliseconds(30)
            $0.limits.pongTimeout = .seconds(1)
        }
        try await withServer(router, configuration) { server, address in
            let client = try RawClient(address, upgradedAt: "/")
            let (count, rest) = try await Self.flood(client, server)
            // More than a second and many intervals long.
            let neighbour = try RawClient(address, upgradedAt: "/pinged")
            for _ in 0..<40 {
                #expect(try neighbour.readFrame() == .ping([]))
                try neighbour.send(.pong())
            }
            #expect(server.statistics.webSockets == 2)
            go.record()
            try client.send(rest)
            try client.send(.text("count"))
            var frame = try client.readFrame()
            while frame == .ping([]) {
                try client.send(.pong())
                frame = try client.readFrame()
            }
            #expect(frame == .text("\(count)"))
            neighbour.reset()
            client.reset()
        }
    }

    /// The 101 counts toward the send queue as well: with a small one it fills it by itself.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a callback socket whose 101 fills the send queue goes on when it has left`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend, limits: { $0.sendQueueHighWaterBytes = 1 }) { router in
            router.get("/") { _ in .upgrade(handler: { EchoHandler() }) }
        } client: { serving in
            let peer = try await Peer.connect(serving.port)
            try await peer.write(
                Array(Peer.handshake("/").utf8) + PeerFrame.text("early").octets
                    + PeerFrame.text("next").octets)
            #expect(try await peer.reply().status == 101)
            #expect(try await peer.frame() == .text("early"))
            #expect(try await peer.frame() == .text("next"))
            try await peer.leave()
        }
    }
}
