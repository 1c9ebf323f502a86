// SPDX-License-Identifier: Apache-2.0

/// Why an endpoint refused to send: the caller, not the peer, broke a rule. Nothing was written.
public enum SendError: Error, Hashable, Sendable {
    /// A Close frame was sent already, or the connection is lost (RFC 6455 section 5.5.1).
    case notOpen
    /// The close code must not be sent, or a reason stands without one (section 7.4).
    case invalidCloseCode
    /// The close reason is longer than 123 octets of UTF-8 (section 5.5).
    case reasonTooLong
    /// The payload of a ping or pong is longer than 125 octets (section 5.5).
    case controlPayloadTooLong
    /// A continuation without an open message, a new message inside an open one, or a control
    /// frame without FIN (section 5.4).
    case fragmentOutOfOrder
    /// The frame does not fit the free capacity of the output.
    case messageTooLarge
    /// There was no memory for the frame.
    case outOfMemory
}

extension SendError: CustomStringConvertible {
    /// The rule that was broken, in a few words.
    public var description: String {
        switch self {
        case .notOpen: "the connection is not open for sending"
        case .invalidCloseCode: "this close code must not be sent"
        case .reasonTooLong: "close reason longer than 123 octets"
        case .controlPayloadTooLong: "control frame longer than 125 octets"
        case .fragmentOutOfOrder: "fragment out of order"
        case .messageTooLarge: "no room for the frame"
        case .outOfMemory: "no memory for the frame"
        }
    }
}
