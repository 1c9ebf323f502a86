// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// Why a response, though good HTTP, opens no WebSocket (RFC 6455 section 4.1).
public struct HandshakeResponseError: Error, Hashable, Sendable {
    /// What the response lacks or gets wrong, in the order in which it is judged.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// A status other than 101: the server says no, or to go elsewhere.
        case refused
        /// HTTP/1.0, which has no 101.
        case http10
        /// No Upgrade, or one that is not `websocket` alone.
        case notWebSocket
        /// No Connection with `upgrade`.
        case connectionNotUpgraded
        /// A body is announced, which a 101 has not.
        case hasBody
        /// No Sec-WebSocket-Accept.
        case missingAccept
        /// More than one Sec-WebSocket-Accept.
        case duplicateAccept
        /// A Sec-WebSocket-Accept that does not belong to our key: an old answer, or a server that
        /// knows no WebSocket.
        case acceptMismatch
        /// More than one Sec-WebSocket-Protocol.
        case duplicateSubprotocol
        /// A subprotocol that we did not offer.
        case subprotocolNotOffered
        /// More than one Sec-WebSocket-Extensions, or one extension accepted twice.
        case duplicateExtensions
        /// A Sec-WebSocket-Extensions that does not follow RFC 6455 section 9.1.
        case malformedExtensions
        /// An extension that we did not offer.
        case extensionNotOffered
        /// Parameters of an extension that are malformed, or do not fit what we offered.
        case extensionParameters
    }

    /// What the response lacks or gets wrong.
    public let reason: Reason
    /// The status of the response; 101 unless the reason is `refused`.
    public let status: HTTPResponse.Status

    init(_ reason: Reason, status: HTTPResponse.Status) {
        self.reason = reason
        self.status = status
    }
}

extension HandshakeResponseError: CustomStringConvertible {
    /// The reason's name and the status, for a log.
    public var description: String { "\(reason.rawValue) (\(status.code))" }
}
