// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec
import WireSamples

@Suite("RFC 9112: response heads") struct ResponseHeadParserTests {
    private enum Outcome: Equatable {
        case head(ResponseHead, consumed: Int)
        case failure(ResponseError.Kind, at: Int)
        case incomplete
    }

    private func feed(
        _ octets: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
    ) -> Outcome {
        var parser = ResponseHeadParser(limits: limits)
        var start = 0
        for end in cuts + [octets.count] {
            do {
                if let consumed = try parser.receive(octets.span.extracting(start..<end)) {
                    return .head(parser.takeHead(), consumed: start + consumed)
                }
            } catch {
                return .failure(error.kind, at: end)
            }
            start = end
        }
        return .incomplete
    }

    private func feedOctetByOctet(
        _ octets: [UInt8], limits: HTTPLimits = HTTPLimits()
    ) -> Outcome {
        feed(octets, cuts: octets.isEmpty ? [] : Array(1..<max(octets.count, 1)), limits: limits)
    }

    @Test(
        "a head survives any segmentation",
        arguments: [
            (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 101,
                "Switching Protocols", 1
            ),
            ("HTTP/1.1 404\r\n\r\n", 404, "", 0), ("HTTP/1.0 200 \r\n\r\n", 200, "", 0),
            ("HTTP/1.1 999 a\tb c\r\nX:\r\n\r\n", 999, "a\tb c", 1),
        ] as [(String, Int, String, Int)])
    func anySegmentation(text: String, code: Int, reason: String, fields: Int) {
        let sample = headText(text)
        let whole = feed(sample)
        guard case .head(let head, sample.count) = whole else {
            Issue.record("\(whole)")
            return
        }
        #expect(head.status.code == code && head.status.reasonPhrase == reason)
        #expect(head.fieldCount == fields && head.headerFields.count == fields)
        #expect(feedOctetByOctet(sample) == whole)
        for cut in 0...sample.count { #expect(feed(sample, cuts: [cut]) == whole) }
        #expect(feed(sample + [0x81, 0x00]) == whole)
        #expect(feed(sample.dropLast()) == .incomplete)
    }

    @Test(
        "a head fails at its first impossible octet",
        arguments: [
            ("\r", .invalidVersion), ("h", .invalidVersion), ("HTTP/1.1\t", .invalidVersion),
            ("HTTP/1.1\r", .invalidVersion), ("HTTP/2", .unsupportedVersion),
            ("HTTP/1.2", .unsupportedVersion), ("HTTP/1.1  ", .invalidStatus),
            ("HTTP/1.1 0", .invalidStatus), ("HTTP/1.1 10\r", .invalidStatus),
            ("HTTP/1.1 1011", .invalidStatus), ("HTTP/1.1 +", .invalidStatus),
            ("HTTP/1.1 101\n", .invalidStatus), ("HTTP/1.1 101 \0", .invalidReasonPhrase),
            ("HTTP/1.1 101 a\n", .bareLineFeed), ("HTTP/1.1 101 a\r\r", .bareCarriageReturn),
            ("HTTP/1.1 101\r\n ", .obsoleteFolding), ("HTTP/1.1 101\r\nX ", .spaceBeforeColon),
            ("HTTP/1.1 101\r\n:", .invalidFieldName),
            ("HTTP/1.1 101\r\nX: \0", .invalidFieldValue),
            ("HTTP/1.1 101\r\nX: a\n", .bareLineFeed),
            ("HTTP/1.1 101\r\nX: a\rb", .bareCarriageReturn),
            ("HTTP/1.1 101\r\n\ra", .bareCarriageReturn),
        ] as [(String, ResponseError.Kind)])
    func failsAtOnce(prefix: String, kind: ResponseError.Kind) {
        let sample = headText(prefix)
        #expect(feedOctetByOctet(sample) == .failure(kind, at: sample.count))
        #expect(feedOctetByOctet(sample.dropLast()) == .incomplete)
        for cut in 0...sample.count {
            guard case .failure(kind, _) = feed(sample + headText("\r\n"), cuts: [cut]) else {
                Issue.record("cut at \(cut)")
                return
            }
        }
    }

    @Test func `limits hold at their value and break one above`() {
        let sample = headText("HTTP/1.1 101 OK\r\nA: b\r\nC: d\r\n\r\n")
        let passing = HTTPLimits(
            requestLineMaxBytes: 15, headMaxBytes: sample.count, fieldCountMax: 2)
        guard case .head = feed(sample, limits: passing),
            case .head = feedOctetByOctet(sample, limits: passing)
        else {
            Issue.record("at the limits")
            return
        }
        for (limits, kind, position) in [
            (HTTPLimits(requestLineMaxBytes: 14), .statusLineTooLong, 15),
            (HTTPLimits(headMaxBytes: sample.count - 1), .headTooLarge, sample.count),
            (HTTPLimits(fieldCountMax: 1), .tooManyFields, 24),
        ] as [(HTTPLimits, ResponseError.Kind, Int)] {
            #expect(feedOctetByOctet(sample, limits: limits) == .failure(kind, at: position))
            #expect(feed(sample, limits: limits) == .failure(kind, at: sample.count))
        }
    }

    @Test func `informational heads are taken one after the other`() throws {
        let stream = headText("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 S\r\n\r\n")
        var parser = ResponseHeadParser()
        let first = try #require(try parser.receive(stream.span))
        #expect(parser.takeHead().status.code == 103)
        let second = try #require(try parser.receive(stream.span.extracting(first...)))
        #expect(parser.takeHead().status.code == 101)
        #expect(first + second == stream.count)
    }
}
