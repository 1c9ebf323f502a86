// SPDX-License-Identifier: Apache-2.0
import FuzzInput
import HTTPTypes
import WSCodec

// Goal: no value of Sec-WebSocket-Extensions makes the negotiation of permessage-deflate trap; what
// a server answers, a client that offered the same takes; and what a client takes fits what it
// offered.
//
// Method: the input is the value of the field in a request, and what a server with some settings
// makes of it; then the same octets as a server's answer to what some settings offer.
//
// Input: five octets of settings, then the value.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let takeovers = input.octet()
    let settings = DeflateSettings(
        serverMaxWindowBits: Int(Int8(bitPattern: input.octet())),
        clientMaxWindowBits: Int(Int8(bitPattern: input.octet())),
        serverContextTakeover: takeovers & 1 == 0, clientContextTakeover: takeovers & 2 == 0,
        level: Int(Int8(bitPattern: input.octet())),
        memoryLevel: Int(Int8(bitPattern: input.octet())))
    let value = input.rest()
    checkServer(value, settings)
    checkClient(value, settings)
    return 0
}

private func checkServer(_ value: [UInt8], _ settings: DeflateSettings) {
    let lines = [
        "GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions: ",
    ]
    let head = Array(lines.joined(separator: "\r\n").utf8) + value + Array("\r\n\r\n".utf8)
    var parser = RequestHeadParser()
    guard let used = try? parser.receive(head.span), used == head.count,
        let request = try? HandshakeRequest(validating: parser.takeHead())
    else { return }
    guard let (agreed, response) = PerMessageDeflate.answer(request.extensions, with: settings)
    else { return }
    check((9...15).contains(agreed.serverMaxWindowBits), "a window that zlib compresses with")
    check((8...15).contains(agreed.clientMaxWindowBits), "a window of the RFC's")
    check(
        (try? HandshakeResponse.accept(request, extensions: [response])) != nil,
        "the answer can be sent: \(response)")
    let wide = DeflateSettings(serverMaxWindowBits: 15, clientMaxWindowBits: 15)
    guard
        let client = try? PerMessageDeflate(
            accepted: [response], for: request.extensions, with: wide)
    else { return check(false, "the client takes \(response) for \(request.extensions)") }
    check(client.serverMaxWindowBits == agreed.serverMaxWindowBits, "the same window")
    check(client.clientMaxWindowBits == agreed.clientMaxWindowBits, "the same window")
    check(client.serverNoContextTakeover == agreed.serverNoContextTakeover, "the same takeover")
    check(client.clientNoContextTakeover == agreed.clientNoContextTakeover, "the same takeover")
    talk(agreed, client)
}

private func checkClient(_ value: [UInt8], _ settings: DeflateSettings) {
    guard
        let request = try? HandshakeRequest(
            host: "a", nonce: [UInt8](repeating: 7, count: 16), extensions: [settings.offer])
    else { return check(false, "what settings offer can be sent") }
    let lines = [
        "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Accept: \(request.acceptKey)", "Sec-WebSocket-Extensions: ",
    ]
    let head = Array(lines.joined(separator: "\r\n").utf8) + value + Array("\r\n\r\n".utf8)
    var parser = ResponseHeadParser()
    guard let used = try? parser.receive(head.span), used == head.count,
        let response = try? HandshakeResponse(validating: parser.takeHead(), for: request),
        let agreed = try? PerMessageDeflate(
            accepted: response.extensions, for: request.extensions, with: settings)
    else { return }
    check((8...15).contains(agreed.serverMaxWindowBits), "a window of the RFC's")
    check((8...15).contains(agreed.clientMaxWindowBits), "a window of the RFC's")
    if !settings.serverContextTakeover {
        check(agreed.serverNoContextTakeover, "the server grants what was demanded")
    }
}

/// The two sides understand each other.
private func talk(_ agreed: PerMessageDeflate, _ asClient: PerMessageDeflate) {
    let pool = CompressionPool(budget: CompressionBudget(limitBytes: 1 << 24))
    guard let serverContexts = CompressionContexts(agreed, role: .server, pool: pool),
        let clientContexts = CompressionContexts(asClient, role: .client, pool: pool)
    else { return check(false, "there is memory for two") }
    var server = Endpoint(role: .server, compression: serverContexts)
    var client = Endpoint(role: .client, compression: clientContexts)
    let messages = (0..<3).map { _ in Message.text(String(repeating: "abcdefgh", count: 100)) }
    var (fromServer, fromClient): ([UInt8], [UInt8]) = ([], [])
    for message in messages {
        check(
            (try? server.send(message, compress: true, into: &fromServer)) != nil
                && (try? client.send(message, compress: true, into: &fromClient)) != nil, "sends")
    }
    check((try? server.receive(fromClient)) == messages, "the server understands")
    check((try? client.receive(fromServer)) == messages, "the client understands")
}
