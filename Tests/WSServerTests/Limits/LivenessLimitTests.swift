// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// How long a silent peer, and one that does not let go, are borne.
@Suite("Limits on silence and lingering", .timeLimit(.minutes(2))) struct LivenessLimitTests {
    @Test(arguments: Setup.all)
    func `pings go to the silent, as often as the server or the route says`(
        setup: Setup
    ) async throws {
        var router = Router()
        router.get("/server") { _ in setup.echo(runs: Counter()) }
        router.get("/route") { _ in
            setup.echo(options: .init(pingInterval: .milliseconds(30)), runs: Counter())
        }
        router.get("/none") { _ in setup.echo(options: .init(pingInterval: .zero), runs: Counter())
        }
        let configuration = setup.configuration { $0.limits.pingInterval = .milliseconds(60) }
        try await withServer(router, configuration) { _, address in
            let none = try RawClient(address, upgradedAt: "/none")
            let server = try RawClient(address, upgradedAt: "/server")
            let route = try RawClient(address, upgradedAt: "/route")
            for _ in 0..<4 {
                for client in [route, server] {
                    #expect(try client.readFrame() == .ping([]))
                    try client.send(.pong())
                }
            }
            // What it says comes at once, with no ping before it.
            try none.send(.text("quiet"))
            #expect(try none.readFrame() == .text("quiet"))
            for client in [none, server, route] { client.reset() }
        }
    }

    @Test(arguments: Setup.all)
    func `any octet answers a ping, silence ends the connection`(setup: Setup) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter(), ends: ends) }
        let configuration = setup.configuration {
            $0.limits.pingInterval = .milliseconds(50)
            $0.limits.pongTimeout = .milliseconds(500)
        }
        try await withServer(router, configuration) { _, address in
            let client = try RawClient(address, upgradedAt: "/")
            for number in 0..<4 {
                #expect(try client.readFrame() == .ping([]))
                try client.send(.text("\(number)"))
                #expect(try client.readFrame() == .text("\(number)"))
            }
            #expect(try client.readFrame() == .ping([]))
            #expect(ends.all.isEmpty)
            #expect(try client.readFramesToEnd().frames == [])
            #expect(try await eventually { ends.all.count == 1 })
            #expect(ends.all.first?.cause == .pongTimeout)
            #expect(ends.all.first?.code == .abnormal)
        }
    }

    /// A client that keeps its half open for ever.
    @Test(arguments: Setup.all)
    func `a connection that is over lingers for its time, and no longer`(
        setup: Setup
    ) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        for time in [Duration.zero, .milliseconds(100)] {
            let configuration = setup.configuration { $0.limits.lingerTimeout = time }
            try await withServer(router, configuration) { server, address in
                let client = try RawClient(address, upgradedAt: "/")
                try client.send(.close(1000))
                #expect(try client.readFrame() == .close(1000))
                #expect(try client.readEnd() == .fin)
                #expect(await server.settles { $0.connections == 0 && $0.descriptors == 1 })
            }
        }
    }

    @Test(arguments: Setup.all)
    func `a connection that is over reads so many octets, and is cut`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration {
            $0.limits.lingerTimeout = .seconds(3600)
            $0.limits.lingerMaxBytes = 100_000
        }
        try await withServer(router, configuration) { server, address in
            let client = try RawClient(address, upgradedAt: "/")
            try client.send(.close(1000))
            #expect(try client.readFrame() == .close(1000))
            #expect(try client.readEnd() == .fin)
            try client.send([UInt8](repeating: 0, count: 100_000))
            // Within the limit: it is still there when somebody else has been served.
            let other = try RawClient(address, upgradedAt: "/")
            try other.closeCleanly()
            other.close()
            #expect(await server.settles { $0.connections == 1 })
            var sent = 100_000
            while try client.sendWhileOpen([UInt8](repeating: 0, count: 1000)), sent < 8 << 20 {
                sent += 1000
            }
            #expect(sent < 8 << 20)
            #expect(await server.settles { $0.connections == 0 })
        }
    }
}
