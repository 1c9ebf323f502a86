// SPDX-License-Identifier: Apache-2.0
import Testing
@testable import WSCodec

/// What a head costs, counted and not timed: however small the pieces it comes in, each octet is
/// looked at once, and kept in storage that moves a few times at most. A parser that began anew
/// with every piece would make a large head dear for the server and free for the client.
@Suite("The work that a head makes") struct HeadWorkTests {
    private static let limits = HTTPLimits(
        requestLineMaxBytes: 64 << 10, headMaxBytes: 1 << 20, fieldCountMax: 1000)

    /// An octet that is wrong wherever it stands in a head.
    private static let spoilt: UInt8 = 0

    /// A long target, one long field, many short ones.
    private static let requests: [[UInt8]] = {
        let long = String(repeating: "a", count: 40_000)
        return [
            headLines("GET /\(long) HTTP/1.1", "Host: a"),
            headLines("GET / HTTP/1.1", "Host: a", "X: \(long)"),
            headLines("GET / HTTP/1.1", "Host: a", "\(long): x"),
            headText(
                "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "b:  c \r\n", count: 900)
                    + "\r\n"),
        ]
    }()

    private static let responses: [[UInt8]] = {
        let long = String(repeating: "a", count: 40_000)
        return [
            headLines("HTTP/1.1 101 \(long)", "Upgrade: websocket"),
            headLines("HTTP/1.1 101 Switching Protocols", "X: \(long)"),
        ]
    }()

    /// Gives `take` the octets of `head` one by one, and spoils each in what `kept` holds as soon
    /// as it has been taken. What was kept is put right only before the octets for which
    /// `mayLookBack` is true, and before the last. Gives how often the storage moved.
    private func feed(
        _ head: [UInt8], mayLookBack: (Int) -> Bool = { _ in false },
        kept: (_ body: (inout [UInt8]) -> Void) -> Void, take: (Span<UInt8>) throws -> Int?
    ) throws -> Int {
        var moves = 0
        var address: UnsafeRawPointer?
        for index in head.indices {
            if index == head.count - 1 || mayLookBack(index) {
                kept { $0.replaceSubrange(0..<index, with: head[..<index]) }
            }
            let consumed = try take(head.span.extracting(index..<index + 1))
            #expect((consumed != nil) == (index == head.count - 1))
            kept { octets in
                // A head that is complete has been taken out.
                guard octets.count == index + 1 else { return }
                octets[index] = Self.spoilt
                let now = octets.withUnsafeBytes { $0.baseAddress }
                if now != address { moves += 1 }
                address = now
            }
        }
        return moves
    }

    @Test(arguments: requests.indices)
    func `a request head is not looked at again, nor copied with each octet`(index: Int) throws {
        let sample = Self.requests[index]
        let lineEnd = try #require(sample.firstIndex(of: UInt8(ascii: "\n")))
        var parser = RequestHeadParser(limits: Self.limits)
        let moves = try feed(
            // The request line is judged as a whole at its end, once.
            sample, mayLookBack: { $0 == lineEnd }, kept: { $0(&parser.fields.octets) },
            take: { try parser.receive($0) })
        #expect(moves <= 20)
        let whole = feedHead(sample, limits: Self.limits)
        guard case .head(let expected, _) = whole else {
            Issue.record("\(whole)")
            return
        }
        let head = parser.takeHead()
        #expect(head.headerFields == expected.headerFields)
        #expect(head.path == expected.path)
    }

    @Test(arguments: responses.indices)
    func `a response head is not looked at again, nor copied with each octet`(index: Int) throws {
        let sample = Self.responses[index]
        var parser = ResponseHeadParser(limits: Self.limits)
        let moves = try feed(
            sample, kept: { $0(&parser.fields.octets) }, take: { try parser.receive($0) })
        #expect(moves <= 20)
        var other = ResponseHeadParser(limits: Self.limits)
        #expect(try other.receive(sample.span) == sample.count)
        let (head, expected) = (parser.takeHead(), other.takeHead())
        #expect(head.headerFields == expected.headerFields)
        #expect(head.status == expected.status)
    }
}
