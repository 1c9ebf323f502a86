// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WSServer
import WireSamples

/// Connections that come and go, in every way they can, leave nothing.
@Suite("What connections leave behind", .timeLimit(.minutes(3))) struct NothingLeftTests {
    private enum End: CaseIterable { case closed, left, cut, violating, midMessage, midHandshake }

    /// Sockets among the process's descriptors that are connected or listen at `port`.
    private static func sockets(at port: UInt16) -> Int {
        (0..<8192).count { descriptor in
            var place = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(Int32(descriptor), $0, &size)
                }
            }
            return result == 0 && place.sin_family == AF_INET && place.sin_port == port.bigEndian
        }
    }

    @Test(arguments: Setup.all)
    func `rounds of connections end with the statistics and descriptors of the beginning`(
        setup: Setup
    ) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter(), ends: ends) }
        try await withServer(router, setup.configuration()) { server, address in
            #expect(Self.sockets(at: address.port) == 1)
            let before = server.statistics
            var upgraded = 0
            for round in 0..<5 {
                var clients: [(client: RawClient, end: End)] = []
                for number in 0..<60 {
                    let end = End.allCases[number % End.allCases.count]
                    if end == .midHandshake {
                        let client = try RawClient(address)
                        try client.send(String(RawClient.handshake("/").prefix(number)))
                        clients.append((client, end))
                        continue
                    }
                    let client = try RawClient(address, upgradedAt: "/")
                    upgraded += 1
                    try client.send(.text("round \(round), \(number)"))
                    #expect(try client.readFrame() == .text("round \(round), \(number)"))
                    clients.append((client, end))
                }
                for (client, end) in clients {
                    switch end {
                    case .closed: try client.closeCleanly()
                    case .left: client.close()
                    case .cut: client.reset()
                    case .violating: try client.send(WireFrame(3))
                    case .midMessage:
                        try client.send(.text("half", isFinal: false))
                        client.shutdownSending()
                    case .midHandshake: client.reset()
                    }
                }
                clients = []
                #expect(await server.settles { $0 == before })
                #expect(Self.sockets(at: address.port) == 1)
            }
            let expected = upgraded
            #expect(try await eventually { ends.all.count == expected })
        }
    }
}
