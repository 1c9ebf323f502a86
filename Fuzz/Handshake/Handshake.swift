// SPDX-License-Identifier: Apache-2.0
import FuzzInput
import HTTPTypes
import WSCodec

// Goal: no octets make the opening handshake trap, and what it says of them does not hang on how
// they were cut. What the server's half accepts, the client's half can write and understands.
//
// Input: one octet that chooses limits, two with the lengths of the pieces, then the head, or heads.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let limits = input.one(of: [
        HTTPLimits(),
        HTTPLimits(requestLineMaxBytes: 16, headMaxBytes: 64, fieldCountMax: 2),
        HTTPLimits(requestLineMaxBytes: 64, headMaxBytes: 40),
        HTTPLimits(requestLineMaxBytes: 0, headMaxBytes: 0, fieldCountMax: 0),
        HTTPLimits(requestLineMaxBytes: .max, headMaxBytes: .max, fieldCountMax: .max),
        HTTPLimits(requestLineMaxBytes: .min, headMaxBytes: .min, fieldCountMax: .min),
    ])
    let lengths = [Int(input.octet()), Int(input.octet())]
    let octets = input.rest()

    for head in sameHowever(octets, cut: lengths, { readRequests($0, limits) }) { judge(head) }
    for head in sameHowever(octets, cut: lengths, { readResponses($0, limits) }) { judge(head) }
    return 0
}

/// The heads that a parser found, and what ended it.
struct Reading<Head: Equatable, Failure: Error & Equatable> {
    var heads: [Head] = []
    var failure: Failure?
    /// The pieces that had been given when it failed.
    var pieces = 0
}

/// Reads `octets` whole, octet by octet, and in pieces of the given lengths, and gives the heads.
func sameHowever<Head, Failure>(
    _ octets: [UInt8], cut lengths: [Int], _ read: ([[UInt8]]) -> Reading<Head, Failure>
) -> [Head] {
    let whole = read([octets])
    let single = read(octets.pieces(of: [1]))
    for reading in [single, read(octets.pieces(of: lengths))] {
        check(reading.heads == whole.heads, "heads are the same")
        check(
            reading.failure == whole.failure,
            "\(String(describing: reading.failure)) is \(String(describing: whole.failure))")
    }
    if single.failure != nil {
        let before = read([[UInt8](octets.prefix(single.pieces - 1))])
        check(before.failure == nil, "no octet before the one that is wrong is held against it")
    }
    return whole.heads
}

func readRequests(_ pieces: [[UInt8]], _ limits: HTTPLimits) -> Reading<RequestHead, RequestError> {
    var parser = RequestHeadParser(limits: limits)
    var reading = Reading<RequestHead, RequestError>()
    for piece in pieces {
        reading.pieces += 1
        var position = 0
        while position < piece.count {
            let rest = [UInt8](piece[position...])
            do throws(RequestError) {
                let taken = try receive(rest) { span throws(RequestError) in
                    try parser.receive(span)
                }
                guard let taken else { break }
                check(taken > 0 && taken <= rest.count, "takes octets, and those it has")
                reading.heads.append(parser.takeHead())
                position += taken
            } catch {
                reading.failure = error
                check([400, 414, 431, 501, 505].contains(error.status.code), "a status for errors")
                return reading
            }
        }
    }
    return reading
}

func readResponses(
    _ pieces: [[UInt8]], _ limits: HTTPLimits
) -> Reading<ResponseHead, ResponseError> {
    var parser = ResponseHeadParser(limits: limits)
    var reading = Reading<ResponseHead, ResponseError>()
    for piece in pieces {
        reading.pieces += 1
        var position = 0
        while position < piece.count {
            let rest = [UInt8](piece[position...])
            do throws(ResponseError) {
                let taken = try receive(rest) { span throws(ResponseError) in
                    try parser.receive(span)
                }
                guard let taken else { break }
                check(taken > 0 && taken <= rest.count, "takes octets, and those it has")
                reading.heads.append(parser.takeHead())
                position += taken
            } catch {
                reading.failure = error
                return reading
            }
        }
    }
    return reading
}

func receive<Failure>(
    _ octets: [UInt8], _ body: (Span<UInt8>) throws(Failure) -> Int?
) throws(Failure) -> Int? {
    let result: Result<Int?, Failure> = octets.withExactBlock { block in
        do throws(Failure) {
            return .success(try body(block.span))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

/// Asks the head everything that can be asked.
func judge(_ head: RequestHead) {
    check(head.path.utf8.first == UInt8(ascii: "/") || head.path == "*", "a path: \(head.path)")
    check(head.version == .http10 || head.host != nil, "HTTP/1.1 has a host")
    check(!head.isChunked || head.contentLength == nil, "one framing")
    check((head.contentLength ?? 0) >= 0, "a length")
    check(head.headerFields.count == head.fieldCount, "all fields are kept")
    for field in head.headerFields {
        check(head.values(of: field.name.rawName).count > 0, "a field is found by its name")
        _ = head.hasToken("upgrade", in: field.name.rawName)
    }
    _ = (head.query, head.target, head.isKeepAlive, head.expectsContinue, head.origin)
    for policy in policies(for: head) {
        check(policy.allows(head) || head.origin != nil, "only an Origin is refused")
    }
    do throws(HandshakeError) {
        let request = try HandshakeRequest(validating: head)
        check(head.isHandshake && !head.hasBody, "what opens a WebSocket")
        check(request.subprotocols == head.subprotocols, "the same subprotocols")
        answer(request)
        repeatRequest(request)
    } catch {
        check([400, 405, 426].contains(error.status.code), "a status for \(error)")
        _ = error.headerFields
    }
}

func policies(for head: RequestHead) -> [OriginPolicy] {
    let origin = head.origin ?? "http://example.com"
    check(OriginPolicy.any.allows(head), "any page is let in")
    if OriginPolicy.list([origin]).allows(head), head.origin != nil {
        check(OriginPolicy.isOrigin(origin), "what is let in is an origin: \(origin)")
    }
    return [.any, .sameHost, .list([]), .list([origin, "https://example.com:8443"])]
}

/// A server accepts `request`, and the client that sent it understands the answer.
func answer(_ request: HandshakeRequest) {
    check(request.acceptKey.utf8.count == 28, "an accept key")
    let subprotocol = request.subprotocols.last
    let extensions = Array(request.extensions.prefix(1))
    do {
        let octets = try HandshakeResponse.accept(
            request, subprotocol: subprotocol, extensions: extensions,
            headerFields: [.server: "fuzz"])
        var parser = ResponseHeadParser(
            limits: HTTPLimits(requestLineMaxBytes: .max, headMaxBytes: .max))
        let taken = try parser.receive(octets.span)
        check(taken == octets.count, "one whole head")
        let response = try HandshakeResponse(validating: parser.takeHead(), for: request)
        check(response.subprotocol == subprotocol, "the subprotocol arrives")
        check(response.extensions == extensions, "the extension arrives")
    } catch {
        fatalError("a good request is answered: \(error)")
    }
}

/// A client writes `request` again, and the server reads the same.
func repeatRequest(_ request: HandshakeRequest) {
    do {
        let octets = try request.encode()
        var parser = RequestHeadParser(
            limits: HTTPLimits(requestLineMaxBytes: .max, headMaxBytes: .max))
        let taken = try parser.receive(octets.span)
        check(taken == octets.count, "one whole head")
        let again = try HandshakeRequest(validating: parser.takeHead())
        check(again == request, "\(again) is \(request)")
    } catch {
        fatalError("a good request can be written: \(error)")
    }
}

/// The client of RFC 6455 section 1.2.
let client = try? HandshakeRequest(
    host: "server.example.com", target: "/chat", nonce: Array("the sample nonce".utf8),
    subprotocols: ["chat", "superchat"], extensions: [ExtensionOffer("permessage-deflate")],
    origin: "http://example.com")

func judge(_ head: ResponseHead) {
    check(head.headerFields.count == head.fieldCount, "all fields are kept")
    guard let client else { fatalError("the client's own request is good") }
    do throws(HandshakeResponseError) {
        let response = try HandshakeResponse(validating: head, for: client)
        check(head.status == .switchingProtocols, "only 101 opens a WebSocket")
        check(response.subprotocol.map(client.subprotocols.contains) ?? true, "was offered")
    } catch {
        check(error.status == head.status, "the status is told")
    }
}
