// SPDX-License-Identifier: Apache-2.0

/// Why our own half of a handshake cannot be encoded: a fault of the caller, not of the peer.
public enum HandshakeSendError: Error, Hashable, Sendable {
    /// The server chose a subprotocol that the client does not offer.
    case subprotocolNotOffered(String)
    /// A subprotocol that is no token.
    case invalidSubprotocol(String)
    /// The same subprotocol offered twice.
    case duplicateSubprotocol(String)
    /// The server chose an extension that the client does not offer.
    case extensionNotOffered(String)
    /// The same extension accepted twice.
    case duplicateExtension(String)
    /// An extension with a name, parameter or value that is no token.
    case invalidExtension(String)
    /// A host that is not a host with an optional port.
    case invalidHost(String)
    /// A request-target that does not begin with `/`, or has an octet that no target has.
    case invalidTarget(String)
    /// An Origin that is no field value.
    case invalidOrigin(String)
    /// A nonce of other than 16 octets.
    case invalidNonce
    /// A header field that may not be sent.
    case field(FieldError)
}
