// SPDX-License-Identifier: Apache-2.0
internal import CFrame
internal import HTTPTypes

/// A client's half of the opening handshake (RFC 6455 section 4.1): what a server makes of a
/// request head, and what a client encodes.
public struct HandshakeRequest: Sendable, Hashable {
    /// The value of Sec-WebSocket-Key: 16 octets in Base64.
    public let key: String
    /// The host asked for, with its port if it has one.
    public let host: String
    /// The request-target: path and query.
    public let target: String
    /// The subprotocols offered, in the client's order of preference. Compared with regard to case.
    public let subprotocols: [String]
    /// The extensions offered, in the client's order of preference.
    public let extensions: [ExtensionOffer]
    /// Where the script that asks comes from; browsers always say, others seldom (RFC 6455 section
    /// 10.2).
    public let origin: String?

    /// Judges a request head by RFC 6455 section 4.2.1.
    ///
    /// Throws the first reason, in the order of `HandshakeError.Reason`, why the request opens no
    /// WebSocket. Origin is not judged here: that is ``OriginPolicy``'s.
    public init(validating head: RequestHead) throws(HandshakeError) {
        guard head.isHandshake else { throw HandshakeError(.notAHandshake) }
        guard !head.hasBody else { throw HandshakeError(.hasBody) }
        guard head.version == .http11 else { throw HandshakeError(.http10) }
        guard head.method == .get else { throw HandshakeError(.methodNotGet) }
        try Self.checkVersion(head.fields)
        key = try Self.key(in: head.fields)
        subprotocols = try Self.subprotocols(in: head.fields)
        guard let extensions = ExtensionOffer.list(in: head.fields) else {
            throw HandshakeError(.malformedExtensions)
        }
        self.extensions = extensions
        // HTTP/1.1 heads without Host do not get here.
        host = head.host ?? ""
        target = head.target
        origin = head.fields.value(of: "origin")
    }

    init(
        key: String, host: String, target: String, subprotocols: [String],
        extensions: [ExtensionOffer], origin: String?
    ) {
        self.key = key
        self.host = host
        self.target = target
        self.subprotocols = subprotocols
        self.extensions = extensions
        self.origin = origin
    }

    /// What the answer's Sec-WebSocket-Accept must be (RFC 6455 section 4.2.2): the SHA-1 of the
    /// key and a fixed GUID, in Base64.
    public var acceptKey: String {
        var octets: [UInt8] = []
        appendAcceptKey(to: &octets)
        return String(decoding: octets, as: UTF8.self)
    }

    /// Appends the octets of `acceptKey`.
    func appendAcceptKey(to output: inout [UInt8]) {
        let key = key.utf8Span.span
        // Every way to a request makes the key 24 octets; the C function reads as many.
        guard key.count == 24 else { return }
        output.append(addingCapacity: 28) { room in
            // Safe because C reads 24 octets and writes 28, as many as there are.
            unsafe room.withUnsafeMutableBufferPointer { accept, count in
                unsafe key.withUnsafeBytes { key in
                    guard let key = key.baseAddress, let accept = accept.baseAddress else { return }
                    unsafe cframe_accept_key(
                        key.assumingMemoryBound(to: CChar.self),
                        UnsafeMutableRawPointer(accept).assumingMemoryBound(to: CChar.self))
                }
                count = 28
            }
        }
    }

    /// The first of `preferences`, the server's order, that the client offers; nil when it offers
    /// none of them.
    public func subprotocol(of preferences: [String]) -> String? {
        preferences.first { subprotocols.contains($0) }
    }

    private static func checkVersion(_ fields: FieldLines) throws(HandshakeError) {
        let (first, count) = fields.first(of: "sec-websocket-version")
        guard let version = first else { throw HandshakeError(.missingVersion) }
        guard count == 1 else { throw HandshakeError(.duplicateVersion) }
        guard fields.octets.span.matches("13", in: version) else {
            throw HandshakeError(.unsupportedVersion)
        }
    }

    private static func key(in fields: FieldLines) throws(HandshakeError) -> String {
        let (first, count) = fields.first(of: "sec-websocket-key")
        guard let range = first else { throw HandshakeError(.missingKey) }
        guard count == 1 else { throw HandshakeError(.duplicateKey) }
        guard range.count == 24 else { throw HandshakeError(.invalidKey) }
        var nonce: (UInt64, UInt64) = (0, 0)
        let size = MemoryLayout.size(ofValue: nonce)
        // Safe because the lengths given are those of the memory.
        let decoded = unsafe withUnsafeMutableBytes(of: &nonce) { nonce in
            unsafe fields.octets.span.extracting(range).withUnsafeBytes { key in
                unsafe cframe_base64_decode(
                    key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
                    nonce.baseAddress?.assumingMemoryBound(to: UInt8.self), size)
            }
        }
        guard decoded == 16 else { throw HandshakeError(.invalidKey) }
        return fields.text(range)
    }

    private static func subprotocols(in fields: FieldLines) throws(HandshakeError) -> [String] {
        guard let tokens = fields.tokens(in: "sec-websocket-protocol") else {
            throw HandshakeError(.malformedSubprotocols)
        }
        guard tokens.count < 2 || Set(tokens).count == tokens.count else {
            throw HandshakeError(.duplicateSubprotocol)
        }
        return tokens
    }
}

extension RequestHead {
    /// The subprotocols that the request offers, in the client's order; none when the field is
    /// absent or malformed. For choosing one before the handshake is judged.
    public var subprotocols: [String] { fields.tokens(in: "sec-websocket-protocol") ?? [] }

    /// The value of Origin; nil when there is none. More than one is ``OriginPolicy``'s to refuse.
    public var origin: String? { fields.value(of: "origin") }
}
