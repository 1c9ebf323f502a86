// SPDX-License-Identifier: Apache-2.0

/// What an endpoint found in the octets it received.
///
/// A payload is a range of the octets given to `Endpoint.nextEvent(in:)`, unmasked there, or owned
/// octets where a message came in several parts. Text and close reasons are valid UTF-8.
public enum Event: Hashable, Sendable {
    /// A text message.
    case text(Payload)
    /// A binary message.
    case binary(Payload)
    /// A Ping frame, at most 125 octets. The peer is owed a Pong: see `Endpoint.reply(to:in:)`.
    case ping(Payload)
    /// A Pong frame, at most 125 octets, asked for or not.
    case pong(Payload)
    /// A Close frame; the code is nil when it carried none. The peer sends nothing after it.
    case close(CloseCode?, reason: String)
}
