// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
import WireSamples

/// The case classes of the Autobahn testsuite through a live socket: what an echo server sends back
/// for each sample, however TCP cuts it.
@Suite("Conformance on a live socket", .timeLimit(.minutes(5))) struct WireSampleTests {
    /// What comes back, data and control frames each in order: an asynchronous handler answers
    /// messages after its server has answered pings.
    struct Answer: Equatable {
        var data: [ServerFrame] = []
        var control: [ServerFrame] = []

        init(_ frames: [ServerFrame]) {
            data = frames.filter { !$0.isControl }
            control = frames.filter(\.isControl)
        }

        /// What `sample` must be answered with, and a Close of ours behind it unless it ends the
        /// conversation itself.
        init(expectedFor sample: WireSample) {
            var isOver = false
            for message in sample.messages {
                switch message {
                case .text(let text): data.append(.text(text))
                case .binary(let octets): data.append(.binary(octets))
                case .ping(let octets): control.append(.pong(octets))
                case .pong: break
                case .close(let code, _):
                    isOver = true
                    control.append(code.map { .close($0.rawValue) } ?? .emptyClose)
                }
            }
            if let violation = sample.violation {
                control.append(.close(ProtocolError(violation).closeCode.rawValue))
            } else if !isOver {
                control.append(.close(1000))
            }
        }
    }

    /// Whole, octet by octet, and in two at a few places, drawn by a seed that is the sample's own.
    private static func segmentations(_ octets: [UInt8], seed: Int) -> [[ArraySlice<UInt8>]] {
        var random = SplitMix(state: UInt64(seed))
        var result = [[octets[...]], octets.indices.map { octets[$0...$0] }]
        if octets.count > 400 {
            result[1] = stride(from: 0, to: octets.count, by: 97).map {
                octets[$0..<min($0 + 97, octets.count)]
            }
        }
        for _ in 0..<min(4, octets.count - 1) {
            let cut = Int.random(in: 1..<octets.count, using: &random)
            result.append([octets[..<cut], octets[cut...]])
        }
        return result
    }

    @Test(arguments: Setup.all)
    func `every sample is answered as it must be, however it is cut`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        try await withServer(router, setup.configuration()) { _, address in
            for (index, sample) in WireSample.all.enumerated() {
                let expected = Answer(expectedFor: sample)
                let octets = sample.octets(to: .server)
                for pieces in Self.segmentations(octets, seed: index) {
                    let client = try RawClient(address, upgradedAt: "/")
                    for piece in pieces where try !client.sendWhileOpen(piece) { break }
                    // Behind the end of the conversation nobody looks at it.
                    try client.sendWhileOpen(WireFrame.close(1000).octets(to: .server))
                    let (frames, _) = try client.readFramesToEnd()
                    let answer = Answer(frames)
                    try #require(
                        answer == expected, "\(sample) cut into \(pieces.prefix(9).map(\.count))")
                }
            }
        }
    }
}
