// SPDX-License-Identifier: Apache-2.0
internal import CFrame
public import HTTPTypes

// A client's side of the opening handshake (RFC 6455 section 4.1).

extension HandshakeRequest {
    /// A request to be sent.
    ///
    /// `nonce` is 16 octets, drawn at random for each connection (RFC 6455 section 4.1). `host` is
    /// the host, with its port unless that is the scheme's own. `target` is path and query,
    /// percent-encoded. `origin` is for clients that act for a web page. Throws for what a server
    /// would have to refuse, line breaks in any of the strings among it.
    public init(
        host: String, target: String = "/", nonce: [UInt8], subprotocols: [String] = [],
        extensions: [ExtensionOffer] = [], origin: String? = nil
    ) throws(HandshakeSendError) {
        guard nonce.count == 16 else { throw .invalidNonce }
        guard Authority(host.utf8) != nil else { throw .invalidHost(host) }
        guard target.utf8.first == .slash, target.utf8.allSatisfy({ $0.isTargetOctet }) else {
            throw .invalidTarget(target)
        }
        var offered: Set<String> = []
        for subprotocol in subprotocols {
            guard subprotocol.isToken else { throw .invalidSubprotocol(subprotocol) }
            guard offered.insert(subprotocol).inserted else {
                throw .duplicateSubprotocol(subprotocol)
            }
        }
        for offer in extensions where !offer.isValid { throw .invalidExtension(offer.name) }
        if let origin, origin.isEmpty || !origin.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw .invalidOrigin(origin)
        }
        self.init(
            key: Self.key(of: nonce), host: host, target: target, subprotocols: subprotocols,
            extensions: extensions, origin: origin)
    }

    /// The octets of the request. Throws when one of `headerFields` may not be sent: one the
    /// handshake makes itself, one that frames a body, or one with invalid octets.
    public func encode(headerFields: HTTPFields = [:]) throws(HandshakeSendError) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(512)
        octets.append(contentsOf: "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n".utf8)
        octets.append(contentsOf: "Upgrade: websocket\r\nConnection: Upgrade\r\n".utf8)
        octets.append(contentsOf: "Sec-WebSocket-Key: \(key)\r\n".utf8)
        if let origin { octets.append(contentsOf: "Origin: \(origin)\r\n".utf8) }
        if !subprotocols.isEmpty {
            let list = subprotocols.joined(separator: ", ")
            octets.append(contentsOf: "Sec-WebSocket-Protocol: \(list)\r\n".utf8)
        }
        octets.append(contentsOf: "Sec-WebSocket-Version: 13\r\n".utf8)
        if !extensions.isEmpty { octets.appendExtensions(extensions) }
        try octets.appendFields(headerFields)
        octets.append(contentsOf: "\r\n".utf8)
        return octets
    }

    private static func key(of nonce: [UInt8]) -> String {
        var key = [CChar](repeating: 0, count: 24)
        // Safe because the Base64 of 16 octets is 24, the length of `key`.
        let count = unsafe cframe_base64_encode(nonce, nonce.count, &key)
        return String(decoding: key[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension HandshakeResponse {
    /// Judges the answer to `request` by RFC 6455 section 4.1. When it throws, the connection is no
    /// WebSocket and is to be closed.
    public init(
        validating head: ResponseHead, for request: HandshakeRequest
    ) throws(HandshakeResponseError) {
        func check(
            _ isRight: Bool, _ reason: HandshakeResponseError.Reason
        ) throws(HandshakeResponseError) {
            guard isRight else { throw HandshakeResponseError(reason, status: head.status) }
        }
        let fields = head.fields
        try check(head.status == .switchingProtocols, .refused)
        try check(head.version == .http11, .http10)
        let upgrades = fields.values(of: "upgrade")
        try check(upgrades.count == 1 && upgrades[0].lowercased() == "websocket", .notWebSocket)
        try check(fields.hasToken("upgrade", in: "connection"), .connectionNotUpgraded)
        let length = fields.values(of: "content-length")
        try check(length.allSatisfy { $0 == "0" }, .hasBody)
        try check(fields.count(of: "transfer-encoding") == 0, .hasBody)
        let accepts = fields.values(of: "sec-websocket-accept")
        try check(!accepts.isEmpty, .missingAccept)
        try check(accepts.count == 1, .duplicateAccept)
        try check(accepts[0] == request.acceptKey, .acceptMismatch)
        let subprotocols = fields.values(of: "sec-websocket-protocol")
        try check(subprotocols.count <= 1, .duplicateSubprotocol)
        try check(
            subprotocols.allSatisfy(request.subprotocols.contains), .subprotocolNotOffered)
        subprotocol = subprotocols.first
        // RFC 6455 section 11.3.2: once at most in a response.
        try check(fields.count(of: "sec-websocket-extensions") <= 1, .duplicateExtensions)
        guard let extensions = ExtensionOffer.list(in: fields) else {
            throw HandshakeResponseError(.malformedExtensions, status: head.status)
        }
        let names = Set(extensions.map(\.name))
        try check(
            names.isSubset(of: request.extensions.map(\.name)), .extensionNotOffered)
        try check(names.count == extensions.count, .duplicateExtensions)
        self.extensions = extensions
    }
}
