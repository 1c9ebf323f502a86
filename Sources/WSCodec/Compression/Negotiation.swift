// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

// Offers of permessage-deflate and the answers to them (RFC 7692 sections 5 and 7.1).

extension PerMessageDeflate {
    /// A server's answer to what a client offers: what is agreed, and the element that says so in
    /// Sec-WebSocket-Extensions.
    ///
    /// The first offer wins that can be accepted. One with an unknown, repeated or malformed
    /// parameter is declined, as is one that limits the server's window to 2^8 octets, with which
    /// zlib cannot compress. nil when all are: the connection is then opened without compression.
    public static func answer(
        _ offers: [ExtensionOffer], with settings: DeflateSettings
    ) -> (agreed: PerMessageDeflate, response: ExtensionOffer)? {
        for offer in offers where offer.name == extensionName {
            guard let wanted = DeflateParameters(offer, isResponse: false) else { continue }
            if let answer = answer(wanted, with: settings) { return answer }
        }
        return nil
    }

    private static func answer(
        _ offer: DeflateParameters, with settings: DeflateSettings
    ) -> (agreed: PerMessageDeflate, response: ExtensionOffer)? {
        let deflatable = windowBitsMinToDeflate...windowBits.upperBound
        let serverBits = min(
            offer.serverMaxWindowBits ?? deflatable.upperBound,
            clamp(settings.serverMaxWindowBits, deflatable))
        guard deflatable.contains(serverBits) else { return nil }
        var agreed = PerMessageDeflate(settings: settings)
        var response = DeflateParameters()
        agreed.serverMaxWindowBits = serverBits
        // An offered limit has to be answered; one of our own may be told without.
        if offer.serverMaxWindowBits != nil || serverBits < windowBits.upperBound {
            response.serverMaxWindowBits = serverBits
        }
        // The client's window can be limited only where it says that it knows how to.
        if let limit = offer.clientMaxWindowBits {
            let clientBits = min(
                limit.hint ?? windowBits.upperBound,
                clamp(settings.clientMaxWindowBits, deflatable))
            agreed.clientMaxWindowBits = clientBits
            if clientBits < windowBits.upperBound {
                response.clientMaxWindowBits = .init(clientBits)
            }
        }
        agreed.serverNoContextTakeover =
            offer.serverNoContextTakeover || !settings.serverContextTakeover
        agreed.clientNoContextTakeover =
            offer.clientNoContextTakeover || !settings.clientContextTakeover
        response.serverNoContextTakeover = agreed.serverNoContextTakeover
        response.clientNoContextTakeover = agreed.clientNoContextTakeover
        return (agreed, response.element)
    }

    /// A client's reading of the server's answer to `offers`; nil when the server declined.
    ///
    /// Throws when the answer is malformed, or is none to any of the offers: the connection must
    /// then fail (RFC 7692 section 5.1).
    public init?(
        accepted extensions: [ExtensionOffer], for offers: [ExtensionOffer],
        with settings: DeflateSettings
    ) throws(HandshakeResponseError) {
        guard let element = extensions.first(where: { $0.name == Self.extensionName }) else {
            return nil
        }
        let isAnswered = offers.contains { offer in
            guard offer.name == Self.extensionName,
                let offered = DeflateParameters(offer, isResponse: false),
                let response = DeflateParameters(element, isResponse: true)
            else { return false }
            return response.answers(offered)
        }
        guard isAnswered, let response = DeflateParameters(element, isResponse: true) else {
            throw HandshakeResponseError(
                .extensionParameters, status: .switchingProtocols)
        }
        self.init(settings: settings)
        serverMaxWindowBits = response.serverMaxWindowBits ?? Self.windowBits.upperBound
        clientMaxWindowBits =
            response.clientMaxWindowBits?.hint ?? Self.windowBits.upperBound
        serverNoContextTakeover = response.serverNoContextTakeover
        // A client may do without takeover unasked; where it was asked to it must.
        clientNoContextTakeover =
            response.clientNoContextTakeover || !settings.clientContextTakeover
        // And it may use a smaller window than it was granted.
        clientMaxWindowBits = min(
            clientMaxWindowBits,
            Self.clamp(settings.clientMaxWindowBits, Self.windowBitsMinToDeflate...15))
    }
}

extension DeflateSettings {
    /// What a client with these settings offers, for ``HandshakeRequest``.
    public var offer: ExtensionOffer {
        let deflatable =
            PerMessageDeflate.windowBitsMinToDeflate...PerMessageDeflate.windowBits.upperBound
        let full = PerMessageDeflate.windowBits.upperBound
        var offer = DeflateParameters()
        let serverBits = PerMessageDeflate.clamp(serverMaxWindowBits, deflatable)
        let clientBits = PerMessageDeflate.clamp(clientMaxWindowBits, deflatable)
        if serverBits < full { offer.serverMaxWindowBits = serverBits }
        offer.clientMaxWindowBits = .init(clientBits < full ? clientBits : nil)
        offer.serverNoContextTakeover = !serverContextTakeover
        offer.clientNoContextTakeover = !clientContextTakeover
        return offer.element
    }
}
