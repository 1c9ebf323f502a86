// SPDX-License-Identifier: Apache-2.0
import CFrame

/// The peer broke a rule of RFC 6455 or RFC 7692: which one, and the close code that answers it.
///
/// The connection must fail (section 7.1.7): give the error to `Endpoint.fail(with:)`, send what
/// it writes, close the connection.
public struct ProtocolError: Error, Hashable, Sendable {
    /// The rules a peer can break, by what it did.
    public enum Violation: Hashable, Sendable, CaseIterable {
        /// A client sent a frame without a mask (section 5.1).
        case unmaskedClientFrame
        /// A server sent a masked frame (section 5.1).
        case maskedServerFrame
        /// A reserved bit was set that no extension gave a meaning (section 5.2).
        case reservedBits
        /// The opcode is one of those reserved for later (section 5.2).
        case reservedOpcode
        /// A control frame without FIN (section 5.5).
        case fragmentedControlFrame
        /// A control frame with more than 125 octets of payload (section 5.5).
        case oversizedControlFrame
        /// A length in more octets than it needs (section 5.2).
        case nonMinimalLength
        /// A 64-bit length with its most significant bit set (section 5.2).
        case lengthTopBit
        /// A continuation frame while no message was open (section 5.4).
        case unexpectedContinuation
        /// A text or binary frame before the open message ended (section 5.4).
        case interruptedMessage
        /// A Close frame with one octet of payload (section 5.5.1).
        case closePayloadLength
        /// A close code that must not be sent (section 7.4).
        case invalidCloseCode
        /// Text that is not UTF-8 (section 8.1).
        case invalidUTF8
        /// A close reason that is not UTF-8 (sections 5.5.1 and 8.1).
        case invalidCloseReason
        /// A frame above `Limits.frameSizeMaxBytes` (section 10.4).
        case frameTooBig
        /// A message above `Limits.messageSizeMaxBytes` (section 10.4).
        case messageTooBig
        /// A message in more than `Limits.fragmentCountMax` fragments (section 10.4).
        case tooManyFragments
        /// A compressed message that is not DEFLATE, or ends in the midst of it (RFC 7692 section
        /// 7.2.2).
        case corruptCompression
        /// No fault of the peer's: there is no memory to decompress its message.
        case outOfMemory
    }

    /// What the peer did.
    public var violation: Violation

    /// The error for `violation`.
    public init(_ violation: Violation) { self.violation = violation }

    /// The code to close with: 1002 for broken framing, 1007 for text that is not UTF-8 and broken
    /// compression, 1009 for what exceeds a limit, 1013 for lack of memory.
    public var closeCode: CloseCode {
        switch violation {
        case .invalidUTF8, .invalidCloseReason, .corruptCompression: .invalidPayload
        case .frameTooBig, .messageTooBig, .tooManyFragments: .messageTooBig
        case .outOfMemory: .tryAgainLater
        default: .protocolError
        }
    }
}

extension ProtocolError {
    /// The error that `status` names; nil for `CFRAME_OK`.
    init?(_ status: cframe_status) {
        switch status {
        case CFRAME_OK: return nil
        case CFRAME_UNMASKED_CLIENT_FRAME: self.init(.unmaskedClientFrame)
        case CFRAME_MASKED_SERVER_FRAME: self.init(.maskedServerFrame)
        case CFRAME_RESERVED_BITS: self.init(.reservedBits)
        case CFRAME_RESERVED_OPCODE: self.init(.reservedOpcode)
        case CFRAME_FRAGMENTED_CONTROL_FRAME: self.init(.fragmentedControlFrame)
        case CFRAME_OVERSIZED_CONTROL_FRAME: self.init(.oversizedControlFrame)
        case CFRAME_NON_MINIMAL_LENGTH: self.init(.nonMinimalLength)
        case CFRAME_LENGTH_TOP_BIT: self.init(.lengthTopBit)
        case CFRAME_UNEXPECTED_CONTINUATION: self.init(.unexpectedContinuation)
        case CFRAME_INTERRUPTED_MESSAGE: self.init(.interruptedMessage)
        case CFRAME_CLOSE_PAYLOAD_LENGTH: self.init(.closePayloadLength)
        case CFRAME_INVALID_CLOSE_CODE: self.init(.invalidCloseCode)
        case CFRAME_INVALID_UTF8: self.init(.invalidUTF8)
        case CFRAME_INVALID_CLOSE_REASON: self.init(.invalidCloseReason)
        case CFRAME_FRAME_TOO_BIG: self.init(.frameTooBig)
        case CFRAME_MESSAGE_TOO_BIG: self.init(.messageTooBig)
        default: self.init(.tooManyFragments)
        }
    }
}

extension ProtocolError: CustomStringConvertible {
    /// What the peer did, in a few words, and the close code.
    public var description: String { "\(violation), close code \(closeCode)" }
}

extension ProtocolError.Violation: CustomStringConvertible {
    /// What the peer did, in a few words.
    public var description: String {
        switch self {
        case .unmaskedClientFrame: "unmasked frame from a client"
        case .maskedServerFrame: "masked frame from a server"
        case .reservedBits: "reserved bit without an extension"
        case .reservedOpcode: "reserved opcode"
        case .fragmentedControlFrame: "fragmented control frame"
        case .oversizedControlFrame: "control frame longer than 125 octets"
        case .nonMinimalLength: "payload length not in its shortest form"
        case .lengthTopBit: "payload length of 2^63 or more"
        case .unexpectedContinuation: "continuation frame outside a message"
        case .interruptedMessage: "new message inside an unfinished one"
        case .closePayloadLength: "close frame with one octet of payload"
        case .invalidCloseCode: "close code that must not be sent"
        case .invalidUTF8: "text that is not UTF-8"
        case .invalidCloseReason: "close reason that is not UTF-8"
        case .frameTooBig: "frame above the limit"
        case .messageTooBig: "message above the limit"
        case .tooManyFragments: "message in too many fragments"
        case .corruptCompression: "compressed data that cannot be decompressed"
        case .outOfMemory: "no memory to decompress a message"
        }
    }
}
