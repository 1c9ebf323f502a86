// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import WSCodec

/// What came of feeding octets to a `RequestHeadParser`.
enum HeadOutcome: Equatable {
    case head(RequestHead, consumed: Int)
    case failure(RequestError.Kind, at: Int)
    case incomplete
}

/// Feeds `octets` in pieces that end at `cuts`, and says what came of it. The position of a failure
/// is that of the end of the piece it was found in.
func feedHead(
    _ octets: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
) -> HeadOutcome {
    var parser = RequestHeadParser(limits: limits)
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

/// Feeds `octets` one by one: the position of a failure is behind the octet that caused it.
func feedHeadOctetByOctet(_ octets: [UInt8], limits: HTTPLimits = HTTPLimits()) -> HeadOutcome {
    feedHead(octets, cuts: octets.isEmpty ? [] : Array(1..<max(octets.count, 1)), limits: limits)
}

/// What `parser` throws for `octets`; nil when it throws nothing.
func headFailure(of octets: [UInt8], in parser: inout RequestHeadParser) -> RequestError? {
    do {
        _ = try parser.receive(octets.span)
        return nil
    } catch {
        return error
    }
}

func headText(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Lines joined by CR LF, with the empty line behind them.
func headLines(_ lines: String...) -> [UInt8] {
    headText(lines.joined(separator: "\r\n") + "\r\n\r\n")
}

/// The parsed head of `lines`.
func requestHead(_ lines: [String]) throws -> RequestHead {
    var parser = RequestHeadParser()
    let octets = headText(lines.joined(separator: "\r\n") + "\r\n\r\n")
    guard try parser.receive(octets.span) == octets.count else { throw IncompleteHead() }
    return parser.takeHead()
}

struct IncompleteHead: Error {}

/// The fields of a good handshake, to be replaced, left out (value nil) or added to.
func handshakeHead(
    line: String = "GET /chat HTTP/1.1", without: [String] = [], adding: [String] = []
) throws -> RequestHead {
    let fields = [
        "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
    ]
    let kept = fields.filter { field in !without.contains { field.hasPrefix($0 + ":") } }
    return try requestHead([line] + kept + adding)
}

/// The client's request of RFC 6455 section 1.2.
let sampleHandshake = headLines(
    "GET /chat HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Origin: http://example.com",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Sec-WebSocket-Version: 13")
