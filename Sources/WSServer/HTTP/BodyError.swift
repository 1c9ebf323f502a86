// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// What is wrong with a request body (RFC 9112 section 7.1). Ends the connection: where the next
/// request would begin is not known any more.
enum BodyError: Error, Hashable, Sendable {
    /// The body is larger than the server takes.
    case bodyTooLarge
    /// A chunk size is not one to sixteen hexadecimal digits.
    case invalidChunkSize
    /// A chunk extension has octets none may have, or is not set off by a semicolon.
    case invalidChunkExtension
    /// The chunk extensions of one body are longer than a head may be.
    case chunkExtensionsTooLarge
    /// A line does not end with CRLF, or a chunk is not followed by one.
    case invalidLineEnd
    /// A trailer field has no name, or octets none may have.
    case invalidTrailer
    /// The trailer fields are longer than a head may be.
    case trailersTooLarge

    /// The status of the reply.
    var status: HTTPResponse.Status {
        switch self {
        case .bodyTooLarge: .contentTooLarge
        case .trailersTooLarge: .requestHeaderFieldsTooLarge
        case .invalidChunkSize, .invalidChunkExtension, .chunkExtensionsTooLarge, .invalidLineEnd,
            .invalidTrailer:
            .badRequest
        }
    }
}
