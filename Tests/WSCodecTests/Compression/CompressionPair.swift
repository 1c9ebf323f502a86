// SPDX-License-Identifier: Apache-2.0
import WSCodec

/// A budget that no test shares with another, and as large as one likes.
func testPool(budget: Int = 1 << 30) -> CompressionPool {
    CompressionPool(budget: CompressionBudget(limitBytes: budget))
}

/// What is agreed between a client that offers `offer` and a server with `settings`.
func agreement(
    _ settings: DeflateSettings,
    offer: DeflateSettings = DeflateSettings(
        serverMaxWindowBits: 15, clientMaxWindowBits: 15)
) -> PerMessageDeflate {
    guard let answer = PerMessageDeflate.answer([offer.offer], with: settings) else {
        preconditionFailure("an offer from settings is acceptable")
    }
    return answer.agreed
}

extension Endpoint {
    /// An endpoint with permessage-deflate.
    static func compressing(
        _ role: Role, _ settings: DeflateSettings = .everything, limits: Limits = Limits(),
        pool: CompressionPool = testPool()
    ) -> Endpoint {
        let agreed = agreement(settings)
        return Endpoint(
            role: role, limits: limits,
            compression: CompressionContexts(agreed, role: role, pool: pool))
    }
}

extension DeflateSettings {
    /// Full windows, context takeover, and nothing too short to be compressed.
    static let everything = DeflateSettings(
        serverMaxWindowBits: 15, clientMaxWindowBits: 15, thresholdBytes: 0)
    /// The same without context takeover.
    static let eachByItself = DeflateSettings(
        serverMaxWindowBits: 15, clientMaxWindowBits: 15, serverContextTakeover: false,
        clientContextTakeover: false, thresholdBytes: 0)
}
