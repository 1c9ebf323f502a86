// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// Autobahn groups 9 and 10 through a live socket.
@Suite("Large messages on a live socket, Autobahn groups 9 and 10", .timeLimit(.minutes(5)))
struct LargeMessageTests {
    struct Case: CustomTestStringConvertible {
        var number: String
        var size: Int
        var fragment = Int.max
        /// Octets that a client sends at a time.
        var chop = Int.max
        var testDescription: String { number }
    }

    static let cases: [Case] =
        [64, 256, 1024, 4096].map { Case(number: "9.1-2, \($0) KiB", size: $0 << 10) }
        + [64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576].map {
            Case(number: "9.3-4, fragments of \($0)", size: 1 << 20, fragment: $0)
        }
        + [64, 128, 256, 512, 1024, 2048].map {
            Case(number: "9.5-6, \($0) octets at a time", size: 1 << 18, chop: $0)
        } + [Case(number: "10.1.1", size: 65536, fragment: 1300)]

    private func withEcho(
        _ setup: Setup, _ body: @escaping @Sendable (RawClient) throws -> Void
    ) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration { $0.limits.messageSizeMaxBytes = 16 << 20 }
        try await withServer(router, configuration) {
            let client = try RawClient($1, upgradedAt: "/")
            try body(client)
            try client.closeCleanly()
        }
    }

    /// Not an expectation that they are equal, which would print megabytes.
    private func isEcho(_ frame: ServerFrame, of large: LargeMessage) -> Bool {
        frame == ServerFrame(large.isText ? 1 : 2, large.payload)
    }

    @Test(arguments: Setup.all)
    func `each size comes back, in whatever pieces it is sent`(setup: Setup) async throws {
        try await withEcho(setup) { client in
            for row in Self.cases {
                for isText in [true, false] {
                    let large = LargeMessage(count: row.size, isText: isText)
                    let wire = try large.wire(fragment: row.fragment)
                    for start in stride(from: 0, to: wire.count, by: min(row.chop, wire.count)) {
                        try client.send(wire[start...].prefix(row.chop))
                    }
                    #expect(isEcho(try client.readFrame(), of: large), "\(row)")
                }
            }
            let largest = LargeMessage(count: 16 << 20, isText: false)
            try client.send(largest.wire())
            #expect(isEcho(try client.readFrame(), of: largest), "9.2.6")
        }
    }

    @Test(arguments: Setup.all)
    func `9.7-8: a thousand messages come back, ten under way`(setup: Setup) async throws {
        try await withEcho(setup) { client in
            for size in [0, 16, 64, 256, 1024, 4096] {
                for isText in [true, false] {
                    let large = LargeMessage(count: size, isText: isText)
                    let wire = try [[UInt8]](repeating: large.wire(), count: 10).flatMap(\.self)
                    var count = 0
                    for _ in 0..<100 {
                        try client.send(wire)
                        count += try client.readFrames(10).count { isEcho($0, of: large) }
                    }
                    #expect(count == 1000, "of \(size)")
                }
            }
        }
    }
}
