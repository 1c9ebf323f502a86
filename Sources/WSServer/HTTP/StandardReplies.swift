// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

// What the server itself answers. The body is the reason phrase and no more: nothing about the
// server, its version or what went wrong inside.
extension Reply {
    /// A reply that says its status in plain text.
    static func plain(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) -> Reply {
        var reply = Reply.text(status.reasonPhrase, status: status)
        for field in headers {
            reply.headers.append(field)
        }
        return reply
    }

    /// 405 with the methods that there are (RFC 9110 section 15.5.6).
    static func methodNotAllowed(allow: String) -> Reply {
        .plain(.methodNotAllowed, headers: [.allow: allow])
    }

    /// 503 for those who come while the server is full or draining.
    static let unavailable = Reply.plain(.serviceUnavailable)
}
