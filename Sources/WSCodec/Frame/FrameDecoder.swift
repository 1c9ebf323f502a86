// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Finds the frames in received octets, unmasked in place, part by part.
///
/// The C parser runs ahead of what has been handed out, by at most one batch of records:
///
///     |  handed out  |  parsed, in records  |  not looked at  |
///     0          position                 parsed            count
///
/// Invariant: position <= parsed <= count of the octets given.
///
/// What is left when all octets are used up, an unfinished header or control frame, is carried
/// over to the next octets; payloads of data frames never are.
struct FrameDecoder: ~Copyable {
    private var parser = cframe_parser()
    private var batch: RecordBatch
    /// What stopped the parser; reported behind the records found before it.
    private var status = UInt8(truncatingIfNeeded: CFRAME_OK.rawValue)
    /// Whether decoding is over: a violation was reported, or the owner said so.
    private var isStopped = false
    /// Whether `carried` has become a whole frame, which is handed out next or was just now.
    private var isCarriedWhole = false
    /// Where in the octets the records' offsets count from. Negative after `dropConsumed`.
    private var base = 0
    /// Octets that the parser has been through.
    private var parsed = 0
    /// Octets that have been handed out, or were headers before those.
    private(set) var position = 0
    /// The start of a frame whose rest has not come, or the control frame just handed out.
    private(set) var carried: [UInt8] = []

    init(
        role: Role, limits: Limits, allowing reservedBits: ReservedBits,
        scratch: EndpointScratch? = nil
    ) {
        batch = RecordBatch(scratch)
        // Safe because the parser keeps no pointer; limits below 0 count as 0.
        unsafe cframe_parser_init(
            &parser, role == .server ? CFRAME_SERVER : CFRAME_CLIENT,
            UInt64(max(0, limits.frameSizeMaxBytes)), UInt64(max(0, limits.messageSizeMaxBytes)),
            UInt32(clamping: limits.fragmentCountMax))
        parser.reserved_bits_allowed = reservedBits.rawValue
    }

    /// The next part in `octets`; nil when all of them have been taken, and then the next call is
    /// given new octets.
    mutating func next(in octets: inout MutableSpan<UInt8>) throws(ProtocolError) -> FramePart? {
        if batch.isEmpty, !(try parse(&octets)) { return nil }
        return batch.removeFirst().map { handOut($0) }
    }

    /// What is next in `octets`, taken if it is a whole message of one frame, not compressed.
    mutating func nextWholeMessage(
        in octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> NextPart {
        if batch.isEmpty, !(try parse(&octets)) { return .nothing }
        guard !isCarriedWhole, let record = batch.removeFirst(where: FramePart.isWholeMessage)
        else { return .other }
        return .wholeMessage(handOut(record))
    }

    /// A whole message of one frame, not compressed.
    struct WholeMessage {
        let range: Range<Int>
        let isText: Bool
    }

    /// What is next, if it has been found already and is a whole message. The fast road: nil tells
    /// nothing.
    @inline(__always)
    mutating func takeFoundMessage() -> WholeMessage? {
        // A frame that was carried is always the first record of its batch.
        guard let record = batch.removeNext(where: FramePart.isWholeMessage) else { return nil }
        let start = base &+ Int(record.offset)
        position = start &+ Int(record.length)
        // Safe because a length is not negative.
        return WholeMessage(
            range: unsafe Range(uncheckedBounds: (start, position)),
            isText: record.b0 & 0x0F == Opcode.text.rawValue)
    }

    enum NextPart {
        case wholeMessage(FramePart)
        /// Something that `next(in:)` gives.
        case other
        /// All octets have been taken, as when `next(in:)` gives nil.
        case nothing
    }

    /// Forgets the `position` octets that are done with: the next call is given the octets behind
    /// them, unchanged, and perhaps more. Returns how many they were.
    mutating func dropConsumed() -> Int {
        let dropped = position
        base -= dropped
        parsed -= dropped
        position = 0
        return dropped
    }

    /// The octets of the open message as far as its frames have declared them; 0 where the parser is
    /// ahead of what was handed out.
    var declaredMessageLength: Int {
        batch.isEmpty ? Int(clamping: parser.message_length) : 0
    }

    /// What changes with every octet and every frame of the open message; nil when none is open.
    var openMessageProgress: UInt64? {
        guard parser.message_b0 != 0 || parser.frame_remaining != 0 else { return nil }
        return parser.message_length &- parser.frame_remaining &+ UInt64(parser.fragments)
    }

    var scratch: EndpointScratch? { batch.scratch }

    /// Takes all further octets without looking at them.
    mutating func stop() {
        isStopped = true
        batch.clear()
        carried = []
    }

    private mutating func handOut(_ record: cframe_record) -> FramePart {
        if isCarriedWhole { return handOutCarried(record) }
        let start = base + Int(record.offset)
        position = start + Int(record.length)
        return FramePart(record, range: start..<position, isCarried: false)
    }

    private func handOutCarried(_ record: cframe_record) -> FramePart {
        let start = Int(record.offset)
        // A data frame that ends in the carried octets is one without a payload.
        let isControl = record.b0 & 0x08 != 0
        return FramePart(
            record, range: isControl ? start..<start + Int(record.length) : position..<position,
            isCarried: isControl)
    }

    /// Parses what has not been looked at into the batch, which is empty; false when there is
    /// nothing left to hand out.
    @inline(never)
    private mutating func parse(
        _ octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> Bool {
        if isCarriedWhole {
            isCarriedWhole = false
            carried = []
        }
        while !isStopped {
            position = parsed
            if status != 0, let error = ProtocolError(cframe_status(UInt32(status))) {
                stop()
                throw error
            }
            guard parsed < octets.count else { break }
            if carried.isEmpty { parseInPlace(&octets) } else { parseCarried(octets) }
            if !batch.isEmpty { return true }
        }
        batch.clear()
        base = 0
        parsed = 0
        position = 0
        return false
    }

    private mutating func parseInPlace(_ octets: inout MutableSpan<UInt8>) {
        // The C parser's offsets have 32 bits.
        let count = min(octets.count - parsed, 1 << 30)
        var used = 0
        var found = CFRAME_OK
        base = parsed
        // Safe because parsed + count <= octets.count, and C writes at most `capacity` records.
        unsafe octets.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe batch.fill { records, capacity in
                unsafe cframe_parse(
                    &parser, start + parsed, count, records, capacity, &used, &found)
            }
        }
        parsed += used
        status = UInt8(truncatingIfNeeded: found.rawValue)
        if used == 0, batch.isEmpty, found == CFRAME_OK {
            carry(octets.count - parsed, of: octets.span)
        }
    }

    /// Completes the carried frame start as far as `octets` reach, and hands it to the parser.
    ///
    /// It takes no octet of a data frame's payload, so that this is parsed in place.
    private mutating func parseCarried(_ octets: borrowing MutableSpan<UInt8>) {
        var used = 0
        var found = CFRAME_OK
        let missing = max(1, Self.frameStartLength(carried.span) - carried.count)
        carry(min(missing, octets.count - parsed), of: octets.span)
        position = parsed
        // Safe because the array stands still during the call, and C writes at most one record.
        unsafe carried.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe batch.fill { records, _ in
                unsafe cframe_parse(&parser, start, buffer.count, records, 1, &used, &found)
            }
        }
        status = UInt8(truncatingIfNeeded: found.rawValue)
        if !batch.isEmpty {
            isCarriedWhole = true
        } else if used > 0 {
            carried = []
        }
    }

    private mutating func carry(_ count: Int, of octets: Span<UInt8>) {
        for index in parsed..<parsed + count { carried.append(octets[index]) }
        parsed += count
    }

    /// The length of a data frame's header, or of a whole control frame, as far as the octets that
    /// are there tell (RFC 6455 section 5.2).
    private static func frameStartLength(_ octets: Span<UInt8>) -> Int {
        guard octets.count >= 2 else { return 2 }
        let length = Int(octets[1] & 0x7F)
        let header = 2 + (length == 127 ? 8 : length == 126 ? 2 : 0) + (octets[1] >> 7 == 1 ? 4 : 0)
        return octets[0] & 0x08 != 0 ? header + length : header
    }
}
