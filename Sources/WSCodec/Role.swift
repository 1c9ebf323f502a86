// SPDX-License-Identifier: Apache-2.0

/// The side of a connection that an endpoint plays (RFC 6455 section 1.2).
///
/// A client masks every frame it sends, a server none, and each of them refuses frames that break
/// this rule (section 5.1).
public enum Role: Hashable, Sendable {
    /// The side that sent the opening handshake.
    case client
    /// The side that answered it.
    case server
}
