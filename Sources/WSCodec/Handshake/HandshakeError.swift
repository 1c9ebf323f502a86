// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// Why a request, though good HTTP, opens no WebSocket (RFC 6455 section 4.2.1).
public struct HandshakeError: Error, Hashable, Sendable {
    /// What the request lacks or gets wrong, in the order in which it is judged.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// No Upgrade with `websocket`, or no Connection with `upgrade`.
        case notAHandshake
        /// A body: what would be frames may be a body to a proxy in between.
        case hasBody
        /// HTTP/1.0, which has no Upgrade (RFC 9110 section 7.8).
        case http10
        /// A method other than GET.
        case methodNotGet
        /// No Sec-WebSocket-Version.
        case missingVersion
        /// More than one Sec-WebSocket-Version.
        case duplicateVersion
        /// A Sec-WebSocket-Version other than 13.
        case unsupportedVersion
        /// No Sec-WebSocket-Key.
        case missingKey
        /// More than one Sec-WebSocket-Key.
        case duplicateKey
        /// A Sec-WebSocket-Key that is not the Base64 of 16 octets.
        case invalidKey
        /// A Sec-WebSocket-Protocol that is not a list of tokens.
        case malformedSubprotocols
        /// The same subprotocol offered twice.
        case duplicateSubprotocol
        /// A Sec-WebSocket-Extensions that does not follow RFC 6455 section 9.1.
        case malformedExtensions
    }

    /// What the request lacks or gets wrong.
    public let reason: Reason

    init(_ reason: Reason) {
        self.reason = reason
    }

    /// The status to answer with.
    public var status: HTTPResponse.Status {
        switch reason {
        case .notAHandshake, .missingVersion, .unsupportedVersion: .upgradeRequired
        case .methodNotGet: .methodNotAllowed
        default: .badRequest
        }
    }

    /// The fields that belong to the status: what to upgrade to with 426 (RFC 9110 section
    /// 15.5.22), the version we speak (RFC 6455 section 4.4), the method allowed with 405.
    public var headerFields: HTTPFields {
        switch status {
        case .upgradeRequired:
            [.upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13"]
        case .methodNotAllowed:
            [.allow: "GET"]
        default:
            [:]
        }
    }
}

extension HandshakeError: CustomStringConvertible {
    /// The reason's name and the status, for a log.
    public var description: String { "\(reason.rawValue) (\(status.code))" }
}
