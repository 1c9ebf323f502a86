// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// Writes an ordinary reply as HTTP/1.1 (RFC 9112 section 4).
///
/// Framing and persistence are decided here alone: the application's `Date`, `Content-Length`,
/// `Transfer-Encoding` and `Connection` are left out. A field the application gave that could not
/// stand in a head is an error, with nothing written: the server then answers 500.
struct ReplyEncoder {
    /// What happens to the connection behind the reply.
    enum Persistence: Hashable, Sendable {
        /// It stays open, which HTTP/1.1 takes for granted.
        case keptOpen
        /// It stays open, which an HTTP/1.0 client must be told.
        case keptOpenAnnounced
        /// It ends.
        case closed
    }

    /// Why a reply cannot be sent.
    enum Mistake: Error, Hashable, Sendable {
        /// Not a final status: outside 200 to 599.
        case invalidStatus(Int)
        /// A field name or value with octets it may not have; the name, if it has none.
        case invalidHeader(String)
    }

    /// The interim reply to `Expect: 100-continue` (RFC 9110 section 15.2.1).
    static let `continue` = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Appends `reply` to `output`.
    ///
    /// - Parameters:
    ///   - date: The 29 octets of `HTTPDate`.
    ///   - isHead: Whether it answers HEAD: then all is sent but the body.
    static func encode(
        _ reply: Reply, date: [UInt8], persistence: Persistence, isHead: Bool,
        into output: inout [UInt8]
    ) throws(Mistake) {
        try check(reply)

        output.reserveCapacity(output.count + 256 + reply.body.count)
        append("HTTP/1.1 ", to: &output)
        appendDecimal(reply.status.code, to: &output)
        append(" ", to: &output)
        append(reply.status.reasonPhrase, to: &output)
        append("\r\nDate: ", to: &output)
        output.append(contentsOf: date)
        append("\r\n", to: &output)
        appendConnection(
            persistence, namesUpgrade: reply.headers.contains(.upgrade), to: &output)
        for field in reply.headers where !ours.contains(field.name) {
            append(field.name.rawName, to: &output)
            append(": ", to: &output)
            // Safe because the buffer is read only inside the closure.
            unsafe field.withUnsafeBytesOfValue { unsafe output.append(contentsOf: $0) }
            append("\r\n", to: &output)
        }

        // 204 and 304 end with their head, and 205 has an empty body
        // (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
        let hasBody = ![204, 205, 304].contains(reply.status.code)
        if hasBody {
            // A route of its own for HEAD may know no body: then its length is not claimed
            // (RFC 9110 section 8.6).
            if !(isHead && reply.body.isEmpty) {
                appendContentLength(reply.body.count, to: &output)
            }
        } else if reply.status.code == 205 {
            appendContentLength(0, to: &output)
        }
        append("\r\n", to: &output)
        if hasBody && !isHead {
            output.append(contentsOf: reply.body)
        }
    }

    /// The fields an application has no say in.
    private static let ours: Set<HTTPField.Name> = [
        .date, .contentLength, .transferEncoding, .connection,
    ]

    private static func check(_ reply: Reply) throws(Mistake) {
        guard (200...599).contains(reply.status.code) else {
            throw .invalidStatus(reply.status.code)
        }
        for field in reply.headers {
            guard !field.name.rawName.isEmpty, field.name.rawName.utf8.allSatisfy(\.isToken) else {
                throw .invalidHeader("")
            }
            // Safe because the buffer is read only inside the closure.
            let isValid = unsafe field.withUnsafeBytesOfValue { octets in
                unsafe octets.allSatisfy(\.isFieldValue)
            }
            guard isValid else { throw .invalidHeader(field.name.canonicalName) }
        }
    }

    /// A reply with Upgrade names it in Connection (RFC 9110 section 7.8), so that no proxy passes
    /// it on.
    private static func appendConnection(
        _ persistence: Persistence, namesUpgrade: Bool, to output: inout [UInt8]
    ) {
        let line =
            switch (persistence, namesUpgrade) {
            case (.keptOpen, false): ""
            case (.keptOpen, true): "Connection: Upgrade\r\n"
            case (.keptOpenAnnounced, false): "Connection: keep-alive\r\n"
            case (.keptOpenAnnounced, true): "Connection: Upgrade, keep-alive\r\n"
            case (.closed, false): "Connection: close\r\n"
            case (.closed, true): "Connection: Upgrade, close\r\n"
            }
        append(line, to: &output)
    }

    private static func appendContentLength(_ length: Int, to output: inout [UInt8]) {
        append("Content-Length: ", to: &output)
        appendDecimal(length, to: &output)
        append("\r\n", to: &output)
    }

    private static func append(_ text: String, to output: inout [UInt8]) {
        output.append(contentsOf: text.utf8)
    }

    private static func appendDecimal(_ value: Int, to output: inout [UInt8]) {
        append(String(value), to: &output)
    }
}
