// SPDX-License-Identifier: Apache-2.0

/// Whether a connection's messages may be compressed (RFC 7692), and how.
public enum Compression: Hashable, Sendable {
    /// The extension is neither offered nor accepted.
    case off
    /// permessage-deflate is offered by a client, and accepted by a server that is offered it.
    case on(DeflateSettings = DeflateSettings())
}
