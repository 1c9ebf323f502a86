// SPDX-License-Identifier: Apache-2.0
import WSCodec

extension DeflateSettings {
    /// Contexts for both ends of a connection that has agreed on these settings.
    func agreedContexts() throws -> (server: CompressionContexts, client: CompressionContexts) {
        let pool = CompressionPool()
        guard let (agreed, response) = PerMessageDeflate.answer([offer], with: self),
            let accepted = try PerMessageDeflate(
                accepted: [response], for: [offer], with: self),
            let server = CompressionContexts(agreed, role: .server, pool: pool),
            let client = CompressionContexts(accepted, role: .client, pool: pool)
        else { throw Failure("the settings are not agreed on") }
        return (server, client)
    }
}
