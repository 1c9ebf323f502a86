// SPDX-License-Identifier: Apache-2.0

/// A WebSocket message, or a control frame, as plain values to keep, compare and switch over.
public enum Message: Hashable, Sendable {
    /// A text message (RFC 6455 section 5.6).
    case text(String)
    /// A binary message (section 5.6).
    case binary([UInt8])
    /// A Ping frame with at most 125 octets (section 5.5.2).
    case ping([UInt8])
    /// A Pong frame with at most 125 octets (section 5.5.3).
    case pong([UInt8])
    /// A Close frame. A reason needs a code, and has at most 123 octets of UTF-8 (section 5.5.1).
    case close(CloseCode?, reason: String)
}

extension Message {
    /// A copy of a data message whose text an endpoint has validated.
    @unsafe package init(copying octets: Span<UInt8>, isValidText: Bool) {
        self = isValidText ? .text(String(validated: octets)) : .binary([UInt8](copying: octets))
    }

    /// A copy of the message that `view` shows. One allocation.
    public init(_ view: borrowing MessageView) {
        switch view {
        case .text(let text): self = .text(String(copying: text))
        case .binary(let octets): self = .binary([UInt8](copying: octets))
        }
    }

    /// The message of `event`, which an endpoint found in `octets`. At most one allocation.
    public init(_ event: Event, in octets: Span<UInt8>) {
        switch event {
        case .text(let payload): self = .text(payload.text(in: octets))
        case .binary(let payload): self = .binary(payload.octets(in: octets))
        case .ping(let payload): self = .ping(payload.octets(in: octets))
        case .pong(let payload): self = .pong(payload.octets(in: octets))
        case .close(let code, let reason): self = .close(code, reason: reason)
        }
    }
}

extension Event {
    /// The message of this event, which an endpoint found in `octets`, without validating its text
    /// again: the caller knows that these are those octets, unchanged since.
    @unsafe package func uncheckedMessage(in octets: Span<UInt8>) -> Message {
        guard case .text(let payload) = self else { return Message(self, in: octets) }
        return .text(payload.withSpan(in: octets) { String(validated: $0) })
    }

    /// The message of this event, which an endpoint found in `octets`. At most one allocation.
    public func message(in octets: Span<UInt8>) -> Message { Message(self, in: octets) }
}
