// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@testable import WSServer

@Suite("RFC 9112 sections 6 and 7: request bodies") struct BodyReaderTests {
    /// Octets behind a head, and what must become of them.
    struct Sample: Sendable, CustomTestStringConvertible {
        enum Outcome: Hashable, Sendable {
            /// This body, with this many octets left for the next request.
            case body(String, left: Int)
            /// More octets are needed.
            case unfinished
            case error(BodyError)
        }

        let name: String
        let framing: BodyReader.Framing
        let wire: String
        let outcome: Outcome

        init(
            _ name: String, _ wire: String, _ outcome: Outcome,
            framing: BodyReader.Framing = .chunked
        ) {
            self.name = name
            self.framing = framing
            self.wire = wire
            self.outcome = outcome
        }

        var testDescription: String { name }

        /// What becomes of the octets when they come in these pieces.
        func fed(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
            do {
                var reader = try BodyReader(framing, sizeMax: 20, headMax: 40)
                var left = 0
                for piece in pieces {
                    let taken = try reader.receive(piece.span)
                    left += piece.count - taken
                    if taken < piece.count { #expect(reader.isComplete) }
                }
                guard reader.isComplete else { return .unfinished }
                return .body(String(decoding: reader.body, as: UTF8.self), left: left)
            } catch {
                return .error(error)
            }
        }

        static let all: [Sample] = [
            Sample("no body", "GET", .body("", left: 3), framing: .length(0)),
            Sample("a length", "hello", .body("hello", left: 0), framing: .length(5)),
            Sample("a length, then more", "helloGET", .body("hello", left: 3), framing: .length(5)),
            Sample("a length not reached", "hell", .unfinished, framing: .length(5)),
            Sample(
                "the largest length", "01234567890123456789",
                .body("01234567890123456789", left: 0), framing: .length(20)),
            Sample("a length above it", "", .error(.bodyTooLarge), framing: .length(21)),
            Sample("a length far above it", "", .error(.bodyTooLarge), framing: .length(.max)),

            Sample("one chunk", "5\r\nhello\r\n0\r\n\r\n", .body("hello", left: 0)),
            Sample("no chunk", "0\r\n\r\n", .body("", left: 0)),
            Sample("no chunk, many zeros", "0000000000000000\r\n\r\n", .body("", left: 0)),
            Sample(
                "chunks of all digits, then more",
                "1\r\na\r\n00B\r\n0123456789b\r\n2\r\n\r\n\r\n0\r\n\r\nGET /",
                .body("a0123456789b\r\n", left: 5)),
            Sample(
                "the largest body", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
                .body("01234567890123456789", left: 0)),
            Sample("a chunk that is too large", "15\r\n", .error(.bodyTooLarge)),
            Sample(
                "a chunk that makes it too large", "a\r\n0123456789\r\nB\r\n",
                .error(.bodyTooLarge)),
            Sample("the largest number", "ffffffffffffffff\r\n", .error(.bodyTooLarge)),
            Sample("the largest Int", "7fffffffffffffff\r\n", .error(.bodyTooLarge)),
            Sample("a number above 64 bits", "10000000000000005\r\n", .error(.invalidChunkSize)),
            Sample(
                "a small number of 17 digits", "00000000000000005\r\n", .error(.invalidChunkSize)),
            Sample("an unfinished size", "5", .unfinished),
            Sample("an unfinished chunk", "5\r\nhell", .unfinished),
            Sample("an unfinished end", "0\r\n\r", .unfinished),

            Sample("no size", "\r\n", .error(.invalidChunkSize)),
            Sample("a prefixed size", "0x5\r\nhello\r\n0\r\n\r\n", .error(.invalidChunkSize)),
            Sample("a signed size", "+5\r\nhello\r\n0\r\n\r\n", .error(.invalidChunkSize)),
            Sample("a negative size", "-1\r\n", .error(.invalidChunkSize)),
            Sample("a size with a blank before it", " 5\r\nhello", .error(.invalidChunkSize)),
            Sample("a size with a blank behind it", "5 \r\nhello", .error(.invalidChunkExtension)),
            Sample("a size with a letter behind it", "5g\r\nhello", .error(.invalidChunkSize)),
            Sample("a size ended by LF", "5\nhello\r\n0\r\n\r\n", .error(.invalidLineEnd)),
            Sample("a size ended by CR", "5\rhello\r\n0\r\n\r\n", .error(.invalidLineEnd)),
            Sample("a size ended by CR CR LF", "5\r\r\nhello", .error(.invalidLineEnd)),
            Sample("a chunk ended by LF", "5\r\nhello\n0\r\n\r\n", .error(.invalidLineEnd)),
            Sample("a chunk ended by CR", "5\r\nhello\r0\r\n\r\n", .error(.invalidLineEnd)),
            Sample("a chunk longer than its size", "4\r\nhello\r\n0\r\n", .error(.invalidLineEnd)),
            Sample("an end with LF", "0\r\n\n", .error(.invalidTrailer)),
            Sample("an end with CR and no LF", "0\r\n\rG", .error(.invalidLineEnd)),

            Sample(
                "extensions",
                "5;a=b;c=\"d \\\" e\";f\r\nhello\r\n0 \t;x\r\n\r\n", .body("hello", left: 0)),
            Sample("an empty extension", "5;\r\nhello\r\n0\r\n\r\n", .body("hello", left: 0)),
            Sample("an extension with LF", "5;a\nb\r\nhello", .error(.invalidChunkExtension)),
            Sample("an extension with NUL", "5;a\0\r\nhello", .error(.invalidChunkExtension)),
            Sample("an extension with CR", "5;a\rb\r\nhello", .error(.invalidLineEnd)),
            Sample(
                "the longest extension",
                "1;\(String(repeating: "x", count: 39))\r\na\r\n0\r\n\r\n", .body("a", left: 0)),
            Sample(
                "an extension that is too long", "1;\(String(repeating: "x", count: 40))",
                .error(.chunkExtensionsTooLarge)),
            Sample(
                "many short extensions",
                String(repeating: "1;x\r\na\r\n", count: 20) + "0;\r\n\r\n",
                .error(.chunkExtensionsTooLarge)),
            Sample(
                "many blanks", "1" + String(repeating: " ", count: 41),
                .error(.chunkExtensionsTooLarge)),

            Sample("trailers", "0\r\nA: b\r\nc:\r\n\r\nGET", .body("", left: 3)),
            Sample(
                "the longest trailers",
                "0\r\nA: \(String(repeating: "x", count: 34))\r\nB:c\r\n\r\n", .body("", left: 0)),
            Sample(
                "trailers that are too long",
                "0\r\nA: \(String(repeating: "x", count: 34))\r\nB:cd\r\n\r\n",
                .error(.trailersTooLarge)),
            Sample("a trailer without colon", "0\r\nabc\r\n\r\n", .error(.invalidTrailer)),
            Sample("a trailer without name", "0\r\n: b\r\n\r\n", .error(.invalidTrailer)),
            Sample("a trailer with a blank name", "0\r\nA : b\r\n\r\n", .error(.invalidTrailer)),
            Sample("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", .error(.invalidTrailer)),
            Sample("a trailer ended by LF", "0\r\nA: b\n\r\n", .error(.invalidTrailer)),
            Sample("a trailer with NUL", "0\r\nA: \0\r\n\r\n", .error(.invalidTrailer)),
            Sample("a trailer with CR", "0\r\nA: b\rC: d\r\n\r\n", .error(.invalidLineEnd)),
        ]
    }

    /// A reader must not care how TCP cut the stream: each sample is fed whole, octet by octet, and
    /// at each one and each two cuts, and must come out the same.
    @Test(arguments: Sample.all) func `come out the same however they are cut`(sample: Sample) {
        let wire = Array(sample.wire.utf8)
        #expect(sample.fed([wire[...]]) == sample.outcome)
        #expect(sample.fed(wire.indices.map { wire[$0...$0] }) == sample.outcome)
        for first in 0...wire.count {
            for second in first...wire.count {
                let outcome = sample.fed([
                    wire[..<first], wire[first..<second], wire[second...],
                ])
                if outcome != sample.outcome {
                    Issue.record("cut at \(first) and \(second): \(outcome)")
                }
            }
        }
    }

    @Test(arguments: [
        ("POST / HTTP/1.1\nHost: a", BodyReader.Framing.length(0)),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 7", .length(7)),
        ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked", .chunked),
    ])
    func `are framed as the head says`(text: String, framing: BodyReader.Framing) throws {
        #expect(BodyReader.Framing(try head(text)) == framing)
    }

    /// Declared sizes reserve nothing, and received octets at most twice their room.
    @Test(arguments: [(false, 1 << 20), (true, 1 << 20), (false, 100), (true, 100)])
    func `grow with the octets received`(isChunked: Bool, size: Int) throws {
        var reader = try BodyReader(
            isChunked ? .chunked : .length(size), sizeMax: size, headMax: 1024)
        if isChunked {
            let line = Array("\(String(size, radix: 16))\r\n".utf8)
            #expect(try reader.receive(line.span) == line.count)
        }
        #expect(reader.body.capacity == 0)
        let octet: [UInt8] = [0x61]
        for count in 1...size {
            #expect(try reader.receive(octet.span) == 1)
            guard reader.body.capacity <= 2 * count + 4096 else {
                Issue.record("\(reader.body.capacity) octets of room for \(count)")
                break
            }
        }
        #expect(reader.body.count == size)
        #expect(reader.isComplete == !isChunked)
    }

    @Test func `count all octets taken, framing and all`() throws {
        var reader = try BodyReader(.chunked, sizeMax: 10, headMax: 100)
        let wire = Array("5;x\r\nhello\r\n0\r\nA: b\r\n\r\nGET".utf8)
        #expect(try reader.receive(wire.span) == wire.count - 3)
        #expect(reader.octetsTaken == wire.count - 3)
        #expect(try reader.receive(wire.span) == 0)
    }

    @Test(arguments: [
        (BodyError.bodyTooLarge, 413), (.trailersTooLarge, 431), (.invalidChunkSize, 400),
        (.invalidChunkExtension, 400), (.chunkExtensionsTooLarge, 400), (.invalidLineEnd, 400),
        (.invalidTrailer, 400),
    ])
    func `that are wrong get their status`(error: BodyError, code: Int) {
        #expect(error.status.code == code)
    }
}
