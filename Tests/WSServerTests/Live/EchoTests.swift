// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

@Suite("A live server, the plainest case") struct EchoTests {
    @Test(arguments: Setup.all)
    func `text and binary come back, and the conversation ends cleanly`(setup: Setup) async throws {
        var router = Router()
        let (runs, ends) = (Counter(), CloseInfos())
        router.get("/echo") { _ in setup.echo(runs: runs, ends: ends) }
        try await withServer(router, setup.configuration()) { server, address in
            let client = try RawClient(address, upgradedAt: "/echo")
            try client.send(.text("Hello"), .binary([0, 255]))
            #expect(try client.readFrames(2) == [.text("Hello"), .binary([0, 255])])
            #expect(server.statistics.webSockets == 1)
            try client.closeCleanly()
            #expect(try await eventually { ends.all.count == 1 })
        }
        #expect(runs.value == 1)
        #expect(ends.all.map(\.isClean) == [true])
    }
}
