// SPDX-License-Identifier: Apache-2.0

/// The four parameters of permessage-deflate as one element of Sec-WebSocket-Extensions has them
/// (RFC 7692 section 7.1).
struct DeflateParameters: Equatable {
    /// client_max_window_bits, which stands in offers with or without a value.
    struct ClientLimit: Equatable {
        var hint: Int?
        init(_ hint: Int?) { self.hint = hint }
    }

    var serverNoContextTakeover = false
    var clientNoContextTakeover = false
    var serverMaxWindowBits: Int?
    var clientMaxWindowBits: ClientLimit?

    init() {}

    /// The parameters of `element`; nil when one is unknown, stands there twice, has a value that
    /// it must not have, or lacks one (section 7.1).
    init?(_ element: ExtensionOffer, isResponse: Bool) {
        var seen: Set<String> = []
        for parameter in element.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch parameter.name {
            case "server_no_context_takeover":
                guard parameter.value == nil else { return nil }
                serverNoContextTakeover = true
            case "client_no_context_takeover":
                guard parameter.value == nil else { return nil }
                clientNoContextTakeover = true
            case "server_max_window_bits":
                guard let bits = Self.windowBits(parameter.value) else { return nil }
                serverMaxWindowBits = bits
            case "client_max_window_bits":
                if parameter.value == nil, !isResponse {
                    clientMaxWindowBits = ClientLimit(nil)
                } else {
                    guard let bits = Self.windowBits(parameter.value) else { return nil }
                    clientMaxWindowBits = ClientLimit(bits)
                }
            default:
                return nil
            }
        }
    }

    /// A decimal number from 8 to 15 without leading zeros (section 7.1.2).
    private static func windowBits(_ value: String?) -> Int? {
        guard let value, (1...2).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), value.utf8.first != 0x30,
            let bits = Int(value), PerMessageDeflate.windowBits.contains(bits)
        else { return nil }
        return bits
    }

    /// Whether these, from a server, can be the answer to `offer`.
    func answers(_ offer: DeflateParameters) -> Bool {
        // What the client demanded of the server must be granted.
        if offer.serverNoContextTakeover, !serverNoContextTakeover { return false }
        if let limit = offer.serverMaxWindowBits {
            guard let bits = serverMaxWindowBits, bits <= limit else { return false }
        }
        // The client can be limited only where it said that it knows how to.
        if clientMaxWindowBits != nil, offer.clientMaxWindowBits == nil { return false }
        return true
    }

    /// The element that says this.
    var element: ExtensionOffer {
        var element = ExtensionOffer(PerMessageDeflate.extensionName)
        if serverNoContextTakeover {
            element.parameters.append(.init("server_no_context_takeover"))
        }
        if clientNoContextTakeover {
            element.parameters.append(.init("client_no_context_takeover"))
        }
        if let bits = serverMaxWindowBits {
            element.parameters.append(.init("server_max_window_bits", String(bits)))
        }
        if let limit = clientMaxWindowBits {
            element.parameters.append(
                .init("client_max_window_bits", limit.hint.map { String($0) }))
        }
        return element
    }
}
