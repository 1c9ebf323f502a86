// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

/// A small generator with a seed, so that a failure can be repeated (splitmix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Whatever comes from the wire, nothing traps, and how it was cut makes no difference.
@Suite("Heads and handshakes from an enemy") struct HandshakeRobustnessTests {
    private static let seeds: [[UInt8]] = [
        sampleHandshake,
        headText(
            "POST http://a:80/x?y HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 12\r\n"
                + "Connection: keep-alive, close\r\nExpect: 100-continue\r\n\r\n"),
        headText(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Extensions: a; b=\"c\\d\", permessage-deflate; e=10\r\n"
                + "Transfer-Encoding: chunked\r\nOrigin: https://a:443\r\n\r\n"),
    ]

    /// Octets that mean something to the grammar turn up more often than chance would have it.
    private static let favourites = Array("\r\n :,;=\"\\/?*[]0:9aA\0\u{7F}".utf8) + [0x80, 0xFF]

    private func mutate(
        _ octets: [UInt8], using generator: inout SeededGenerator
    ) -> [UInt8] {
        var result = octets
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let position = Int.random(in: 0..<result.count, using: &generator)
            let favourite = Self.favourites.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: result[position] = UInt8.random(in: .min ... .max, using: &generator)
            case 1: result[position] = favourite
            case 2: result.insert(favourite, at: position)
            case 3: if result.count > 1 { result.remove(at: position) }
            default:
                let end = min(position + Int.random(in: 1...40, using: &generator), result.count)
                result.insert(contentsOf: Array(result[position..<end]), at: position)
            }
        }
        return result
    }

    /// Asks a head for everything it can tell.
    private func exhaust(_ head: RequestHead) {
        _ = (head.target, head.path, head.query, head.host, head.subprotocols, head.isKeepAlive)
        #expect(head.headerFields.count == head.fieldCount)
        #expect(head.host != nil || head.version == .http10)
        for policy in [OriginPolicy.any, .sameHost, .list(["https://a"])] {
            _ = policy.allows(head)
        }
        do {
            let request = try HandshakeRequest(validating: head)
            #expect(request.acceptKey.utf8.count == 28)
            let answer = try HandshakeResponse.accept(
                request, subprotocol: request.subprotocols.last)
            var parser = ResponseHeadParser()
            #expect(try parser.receive(answer.span) == answer.count)
            _ = try HandshakeResponse(validating: parser.takeHead(), for: request)
        } catch let error as HandshakeError {
            #expect([400, 405, 426].contains(error.status.code))
        } catch {
            Issue.record(error)
        }
    }

    @Test(arguments: seeds.indices) func `mutated requests trap nothing`(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        for _ in 0..<1500 {
            let sample = mutate(Self.seeds[seed], using: &generator)
            let cut = Int.random(in: 0...sample.count, using: &generator)
            let whole = feedHead(sample)
            let pieces = feedHead(sample, cuts: [cut])
            switch whole {
            case .head(let head, _):
                #expect(pieces == whole)
                exhaust(head)
            case .failure(let kind, _):
                guard case .failure(kind, _) = pieces else {
                    Issue.record("cut at \(cut): \(pieces) for \(sample)")
                    return
                }
            case .incomplete:
                #expect(pieces == .incomplete)
            }
        }
    }

    @Test func `random octets trap nothing`() {
        var generator = SeededGenerator(state: 4)
        for _ in 0..<2000 {
            let count = Int.random(in: 0..<64, using: &generator)
            let sample = (0..<count).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            if case .head = feedHead(sample) { Issue.record("\(sample)") }
            var parser = ResponseHeadParser()
            _ = try? parser.receive(sample.span)
        }
    }

    @Test func `mutated responses trap nothing`() throws {
        var generator = SeededGenerator(state: 5)
        let request = try HandshakeRequest(
            host: "a", nonce: Array(0..<16), subprotocols: ["b"], extensions: [.init("c")])
        let answer = try HandshakeResponse.accept(
            request, subprotocol: "b", extensions: [.init("c", [.init("d", "e")])])
        for _ in 0..<2000 {
            let sample = mutate(answer, using: &generator)
            var parser = ResponseHeadParser()
            guard let _ = try? parser.receive(sample.span) else { continue }
            _ = try? HandshakeResponse(validating: parser.takeHead(), for: request)
        }
    }

    /// Lists with many elements: a comparison of each with each would take seconds.
    @Test func `the longest lists are judged quickly`() throws {
        let digits = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let names = digits.flatMap { first in
            digits.map { String(decoding: [first, $0], as: UTF8.self) }
        }
        let list = names.joined(separator: ",")
        let head = try handshakeHead(adding: [
            "Sec-WebSocket-Protocol: \(list)", "Sec-WebSocket-Extensions: \(list)",
            "Sec-WebSocket-Extensions: a" + String(repeating: ";b", count: 3000),
        ])
        let request = try HandshakeRequest(validating: head)
        #expect(request.subprotocols == names)
        #expect(request.extensions.count == names.count + 1)
        #expect(request.extensions.last?.parameters.count == 3000)
    }
}
