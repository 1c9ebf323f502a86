// SPDX-License-Identifier: Apache-2.0
import CFrame

/// A whole frame, or a part of a data frame, as the decoder found it.
struct FramePart {
    /// Where the payload lies: in `FrameDecoder.carried` if `isCarried`, else in the octets.
    let range: Range<Int>
    /// Whether the payload is that of a control frame put together from several receives.
    let isCarried: Bool
    private let firstOctet: UInt8
    private let messageFirstOctet: UInt8
    private let flags: UInt8
    /// The code of a Close frame, `noStatus` if it is empty.
    let closeCode: CloseCode

    /// The part that `record` tells of. The record's own range counts from where its parse began.
    init(_ record: cframe_record, range: Range<Int>, isCarried: Bool) {
        self.range = range
        self.isCarried = isCarried
        firstOctet = record.b0
        messageFirstOctet = record.message_b0
        flags = record.flags
        closeCode = CloseCode(rawValue: record.close_code)
    }

    /// Whether `record` is a data message in one frame, without reserved bits, that came whole.
    static func isWholeMessage(_ record: cframe_record) -> Bool {
        let whole =
            CFRAME_FRAME_BEGIN | CFRAME_FRAME_END | CFRAME_MESSAGE_BEGIN | CFRAME_MESSAGE_END
        // FIN with the opcode of text or of binary.
        return (0x81...0x82).contains(record.b0) && record.flags == UInt8(truncatingIfNeeded: whole)
    }

    /// Whether this is a control frame; those come only whole.
    var isControl: Bool { firstOctet & 0x08 != 0 }

    /// Whether this is a Close frame.
    var isClose: Bool { firstOctet & 0x0F == Opcode.close.rawValue }

    /// Whether this is a Ping frame.
    var isPing: Bool { firstOctet & 0x0F == Opcode.ping.rawValue }

    /// Whether this ends its message.
    var endsMessage: Bool { flags & UInt8(truncatingIfNeeded: CFRAME_MESSAGE_END) != 0 }

    /// Whether the message this belongs to is text.
    var isText: Bool { messageFirstOctet & 0x0F == Opcode.text.rawValue }

    /// Whether the message this belongs to came with RSV1, so that its octets are compressed and
    /// not yet validated (RFC 7692 section 6).
    var isCompressed: Bool { messageFirstOctet & ReservedBits.rsv1.rawValue != 0 }
}
