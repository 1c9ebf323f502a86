// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WSServer
import WireSamples

@Suite("Limits on connections", .timeLimit(.minutes(2))) struct ConnectionLimitTests {
    @Test(arguments: Setup.all)
    func `one connection too many gets 503, and a place that is given back is taken`(
        setup: Setup
    ) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration { $0.limits.connectionsMax = 3 }
        try await withServer(router, configuration) { server, address in
            for _ in 0..<3 {
                // Places count from accept on, whether a request has come or not.
                var clients = [try RawClient(address)]
                for _ in 0..<2 { clients.append(try RawClient(address, upgradedAt: "/")) }
                for sendsFirst in [false, true] {
                    let refused = try RawClient(address)
                    if sendsFirst {
                        try refused.sendWhileOpen(Array(RawClient.handshake("/").utf8))
                    }
                    let reply = try refused.readReply()
                    #expect(reply.status == 503)
                    #expect(reply.value(of: "connection") == "close")
                    while try refused.receive(for: "end") {}
                }
                #expect(server.statistics.connections == 3)
                for client in clients { client.close() }
                #expect(await server.settles { $0.connections == 0 })
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `an address has so many connections, over all loops, and others have theirs`(
        backend: WebSocketServer.Backend
    ) async throws {
        var router = Router()
        router.get("/") { _ in .upgrade(handler: { EchoHandler() }) }
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.connectionsPerAddressMax = 2
            $0.threads = 2
        }
        try await withServer(router, configuration) { server, address in
            for _ in 0..<3 {
                var clients: [RawClient] = []
                for source in [1, 2] as [UInt8] {
                    for _ in 0..<2 { clients.append(try RawClient(address, source: source)) }
                    // Each loop accepts at a time of its own.
                    #expect(await server.settles { $0.connections == clients.count })
                    for _ in 0..<3 {
                        let refused = try RawClient(address, source: source)
                        #expect(try refused.readReply().status == 503)
                    }
                }
                for client in clients {
                    try client.send(RawClient.handshake("/"))
                    #expect(try client.readReply().status == 101)
                    try client.send(.text("served"))
                    #expect(try client.readFrame() == .text("served"))
                }
                for client in clients { client.reset() }
                #expect(await server.settles { $0.connections == 0 })
            }
        }
    }

    @Test(arguments: WebSocketServer.Backend.testable)
    func `the kernel keeps as many waiting as the backlog says`(
        backend: WebSocketServer.Backend
    ) async throws {
        let configuration = WebSocketServer.Configuration.forTests(backend) {
            $0.limits.backlog = 7
        }
        try await withServer(Router(), configuration) { _, address in
            let backlogs = (0..<4096).compactMap { Self.backlog(of: $0, port: address.port) }
            #expect(backlogs == [7])
        }
    }

    /// The backlog of `descriptor` if that listens on `port`.
    private static func backlog(of descriptor: Int32, port: UInt16) -> UInt32? {
        var place = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        guard result == 0, place.sin_family == AF_INET, place.sin_port == port.bigEndian else {
            return nil
        }
        var listens: Int32 = 0
        var length = socklen_t(4)
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length)
        guard listens != 0 else { return nil }
        // Of a listening socket these fields are its queue, and how long that may be.
        var info = tcp_info()
        length = socklen_t(MemoryLayout<tcp_info>.size)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else {
            return nil
        }
        return info.tcpi_sacked
    }
}
