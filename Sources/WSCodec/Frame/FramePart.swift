// SPDX-License-Identifier: Apache-2.0
import CFrame

/// A whole frame, or a part of a data frame, as the decoder found it.
struct FramePart {
    /// The C parser's record. Its offset counts from where the parse began: use `range`.
    let record: cframe_record
    /// Where the payload lies: in `FrameDecoder.carried` if `isCarried`, else in the octets.
    let range: Range<Int>
    /// Whether the payload is that of a control frame put together from several receives.
    let isCarried: Bool

    /// Whether this is a control frame; those come only whole.
    var isControl: Bool { record.b0 & 0x08 != 0 }

    /// Whether this is a Close frame.
    var isClose: Bool { record.b0 & 0x0F == Opcode.close.rawValue }

    /// Whether this is a Ping frame.
    var isPing: Bool { record.b0 & 0x0F == Opcode.ping.rawValue }

    /// The code of a Close frame, `noStatus` if it is empty.
    var closeCode: CloseCode { CloseCode(rawValue: record.close_code) }

    /// Whether this ends its message.
    var endsMessage: Bool { record.flags & UInt8(truncatingIfNeeded: CFRAME_MESSAGE_END) != 0 }

    /// Whether the message this belongs to is text.
    var isText: Bool { record.message_b0 & 0x0F == Opcode.text.rawValue }

    /// Whether the message this belongs to came with RSV1, so that its octets are compressed and
    /// not yet validated (RFC 7692 section 6).
    var isCompressed: Bool { record.message_b0 & ReservedBits.rsv1.rawValue != 0 }
}
