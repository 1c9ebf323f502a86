// SPDX-License-Identifier: Apache-2.0

/// An HTTP reply as it stood on the wire.
struct HTTPReply: Equatable, CustomStringConvertible {
    /// The status line, without its CRLF.
    var statusLine: String
    /// The field lines in order, but for Date, which is checked and left out.
    var fields: [String]
    var body: String = ""
    /// Whether a well-formed Date was there.
    var hasDate = false

    /// The status's number; 0 where there is none.
    var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }

    /// The value of the first field of that name.
    func value(of name: String) -> String? {
        let start = name.lowercased() + ": "
        return fields.first { $0.lowercased().hasPrefix(start) }
            .map { String($0.dropFirst(start.count)) }
    }

    var description: String {
        ([statusLine] + fields + (body.isEmpty ? [] : ["", body])).joined(separator: "\n")
    }
}

extension RawClient {
    /// Waits for one whole HTTP reply; its body must have a Content-Length.
    ///
    /// - Parameter isHead: Whether the request was HEAD, whose reply has no body.
    func readReply(isHead: Bool = false) throws -> HTTPReply {
        try read("HTTP reply") { try takeReply(isHead: isHead) }
    }

    private func takeReply(isHead: Bool) throws -> HTTPReply? {
        let emptyLine = Array("\r\n\r\n".utf8)
        guard
            let headEnd = received.indices.first(where: { received[$0...].starts(with: emptyLine) })
        else { return nil }
        let head = String(decoding: received[..<headEnd], as: UTF8.self)
        var lines = head.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        guard !head.isEmpty, lines[0].hasPrefix("HTTP/1.1 ") else {
            throw Failure.malformed("reply", received: text)
        }
        var reply = HTTPReply(statusLine: lines.removeFirst(), fields: [])
        for line in lines {
            if line.hasPrefix("Date: ") {
                // Sun, 06 Nov 1994 08:49:37 GMT: the one form to be sent (RFC 9110 section 5.6.7).
                guard !reply.hasDate, line.count == 35, line.hasSuffix(" GMT") else {
                    throw Failure.malformed("Date", received: line)
                }
                reply.hasDate = true
            } else {
                reply.fields.append(line)
            }
        }
        let bodyStart = headEnd + emptyLine.count
        let hasBody = !isHead && reply.status >= 200 && reply.status != 204 && reply.status != 304
        let length = hasBody ? Int(reply.value(of: "content-length") ?? "") : 0
        guard let length else { throw Failure.malformed("Content-Length", received: text) }
        guard received.count >= bodyStart + length else { return nil }
        reply.body = String(decoding: received[bodyStart..<bodyStart + length], as: UTF8.self)
        received.removeFirst(bodyStart + length)
        return reply
    }
}
