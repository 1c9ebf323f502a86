// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

/// What we compress others read, and what others compress we read: Python's zlib by itself, and the
/// library websockets, with every window and with context takeover or not, in both roles.
@Suite("permessage-deflate against Python's") struct DifferentialTests {
    private struct Direction {
        var bits: Int
        var resets: Bool
    }

    /// Messages that repeat themselves and each other, near and far, and some that do not.
    private static let messages: [[UInt8]] = {
        var random = SplitMix(state: 11)
        let words = (0..<60).map { _ in
            (0..<Int.random(in: 3...12, using: &random)).map { _ in
                UInt8.random(in: 0x61...0x7A, using: &random)
            }
        }
        func text(_ count: Int) -> [UInt8] {
            (0..<count).flatMap { _ in words.randomElement(using: &random)! + [0x20] }
        }
        let noise = (0..<700).map { _ in UInt8.random(in: 0...255, using: &random) }
        let first = text(40)
        return [
            first, text(400), first, [], noise, text(9), noise + noise, Array(first.prefix(30)),
            text(1200),
        ]
    }()

    /// The payloads of compressed frames among the octets that `role` sent, and the plain ones.
    private func payloads(_ octets: [UInt8]) -> [(isCompressed: Bool, [UInt8])] {
        var found: [(Bool, [UInt8])] = []
        var rest = octets[...]
        while let first = rest.popFirst(), let second = rest.popFirst() {
            var length = Int(second & 0x7F)
            let width = length == 126 ? 2 : length == 127 ? 8 : 0
            if width > 0 { length = rest.prefix(width).reduce(0) { $0 << 8 | Int($1) } }
            // A client's frames are masked with the key of all zeros here.
            rest = rest.dropFirst(width + (second >> 7 == 1 ? 4 : 0))
            found.append((first & 0x40 != 0, [UInt8](rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return found
    }

    @Test(arguments: PythonPeer.kinds, [Role.server, .client])
    func `every window and both kinds of takeover`(kind: String, role: Role) throws {
        let peer = try PythonPeer()
        for sending in Self.directions {
            for receiving in Self.directions {
                try exchange(kind, role, sending: sending, receiving: receiving, with: peer)
            }
        }
    }

    private static let directions = (9...15).flatMap { bits in
        [Direction(bits: bits, resets: false), Direction(bits: bits, resets: true)]
    }

    private func exchange(
        _ kind: String, _ role: Role, sending: Direction, receiving: Direction,
        with peer: PythonPeer
    ) throws {
        let (server, client) = role == .server ? (sending, receiving) : (receiving, sending)
        let settings = DeflateSettings(
            serverMaxWindowBits: server.bits, clientMaxWindowBits: client.bits,
            serverContextTakeover: !server.resets, clientContextTakeover: !client.resets,
            level: 1 + sending.bits % 9, memoryLevel: 1 + receiving.bits % 9, thresholdBytes: 0)
        var endpoint = Endpoint.compressing(role, settings)
        try peer.open(
            kind, receiving: (sending.bits, sending.resets),
            sending: (receiving.bits, receiving.resets))
        for message in Self.messages {
            var output: [UInt8] = []
            try endpoint.send(.binary(message), into: &output)
            for (isCompressed, payload) in payloads(output) {
                let read = isCompressed ? try peer.decode(payload) : payload
                try #require(read == message, "\(kind) \(role) \(settings)")
            }
            let frame = WireFrame.compressed(2, try peer.encode(message))
            let received = try endpoint.receive(frame.octets(to: role))
            try #require(received == [.binary(message)], "\(kind) \(role) \(settings)")
        }
    }
}
