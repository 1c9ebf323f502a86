// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// A server's half of the opening handshake (RFC 6455 section 4.2.2): the 101 that a server
/// encodes, and what a client makes of it.
public struct HandshakeResponse: Sendable, Hashable {
    /// The subprotocol that the server chose; nil when none.
    public let subprotocol: String?
    /// The extensions that the server accepted, in their order.
    public let extensions: [ExtensionOffer]

    /// The octets of the 101 that opens the connection; frames follow right behind.
    ///
    /// Throws when the subprotocol or an extension was not offered, or a header field may not be
    /// sent: one the handshake makes itself, one that frames a body, or one with invalid octets.
    public static func accept(
        _ request: HandshakeRequest, subprotocol: String? = nil, extensions: [ExtensionOffer] = [],
        headerFields: HTTPFields = [:]
    ) throws(HandshakeSendError) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(256)
        octets.append(contentsOf: "HTTP/1.1 101 Switching Protocols\r\n".utf8)
        octets.append(contentsOf: "Upgrade: websocket\r\nConnection: Upgrade\r\n".utf8)
        octets.append(contentsOf: "Sec-WebSocket-Accept: ".utf8)
        request.appendAcceptKey(to: &octets)
        octets.append(contentsOf: "\r\n".utf8)
        if let subprotocol {
            // What is offered has been checked to be a token, so nothing else gets to the wire.
            guard request.subprotocols.contains(subprotocol) else {
                throw .subprotocolNotOffered(subprotocol)
            }
            octets.append(contentsOf: "Sec-WebSocket-Protocol: \(subprotocol)\r\n".utf8)
        }
        if !extensions.isEmpty {
            var names: Set<String> = []
            for accepted in extensions {
                guard accepted.isValid else { throw .invalidExtension(accepted.name) }
                guard names.insert(accepted.name).inserted else {
                    throw .duplicateExtension(accepted.name)
                }
                guard request.extensions.contains(where: { $0.name == accepted.name }) else {
                    throw .extensionNotOffered(accepted.name)
                }
            }
            octets.appendExtensions(extensions)
        }
        try octets.appendFields(headerFields)
        octets.append(contentsOf: "\r\n".utf8)
        return octets
    }
}

extension [UInt8] {
    mutating func appendExtensions(_ extensions: [ExtensionOffer]) {
        let list = extensions.map(\.description).joined(separator: ", ")
        append(contentsOf: "Sec-WebSocket-Extensions: \(list)\r\n".utf8)
    }

    /// Appends an application's own fields to a handshake.
    mutating func appendFields(_ fields: HTTPFields) throws(HandshakeSendError) {
        do {
            try fields.encode(into: &self, reserving: isReservedInHandshake)
        } catch {
            throw .field(error)
        }
    }
}

/// Whether a handshake, in either direction, may not carry an application's field of this name: the
/// handshake makes it, or it says where a body ends, and there is none.
private func isReservedInHandshake(_ name: String) -> Bool {
    switch name {
    case "connection", "upgrade", "host", "origin", "content-length", "transfer-encoding", "te",
        "trailer", "expect", "keep-alive", "proxy-connection":
        true
    default: name.hasPrefix("sec-websocket-")
    }
}
