// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import WSCodec

@testable import WSServer

/// The head of a request written out, with LF for CRLF and the empty line added.
func head(_ text: String) throws -> RequestHead {
    var parser = RequestHeadParser()
    let octets = Array((text + "\n\n").replacing("\n", with: "\r\n").utf8)
    guard let taken = try parser.receive(octets.span), taken == octets.count else {
        throw IncompleteHead()
    }
    return parser.takeHead()
}

struct IncompleteHead: Error {}

/// A request as a connection would make it, routed or not.
func request(
    _ method: String = "GET", _ target: String = "/", fields: String = "", body: [UInt8] = [],
    parameters: [String: String] = [:]
) throws -> Request {
    Request(
        head: try head(
            "\(method) \(target) HTTP/1.1\nHost: a" + (fields.isEmpty ? "" : "\n" + fields)),
        body: body, parameters: parameters, remoteAddress: "127.0.0.1")
}
