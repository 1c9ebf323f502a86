// SPDX-License-Identifier: Apache-2.0

/// One side of a WebSocket connection: octets in, events out; messages in, octets out (RFC 6455).
///
/// An endpoint does no I/O and reads no clock. Whoever owns the connection gives it what arrives
/// behind the opening handshake, acts on the events, and sends what it writes.
///
/// ```swift
/// var server = Endpoint(role: .server)
/// var output: [UInt8] = []
/// // A masked text frame, "Hello", from RFC 6455 section 5.7.
/// let octets: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
/// do throws(ProtocolError) {
///     for message in try server.receive(octets) {
///         if case .text = message { try? server.send(message, into: &output) }
///         if let owed = server.reply(to: message) { try? server.send(owed, into: &output) }
///     }
/// } catch {
///     server.fail(with: error, into: &output)
/// }
/// print(output)  // [129, 5, 72, 101, 108, 108, 111]
/// ```
///
/// `receive` copies every message. Where that counts, `nextEvent(in:)` finds messages in the
/// received buffer and leaves them there.
///
/// **Theory.** Receiving and sending share only the closing handshake. The state is `open` until a
/// Close frame passes either way or the peer breaks a rule, then `closing`; `closed` when Close
/// frames have passed both ways or the connection is lost. It never goes back. After the peer's
/// Close, and after a violation, everything received is ignored.
///
/// **Memory.** An endpoint in which no message is unfinished holds none besides itself. Messages
/// assembled from parts take at most twice the octets received, within `Limits`, or what
/// ``EndpointScratch`` lends them.
public struct Endpoint: ~Copyable {
    /// The octets that the largest control frame takes, masked or not: a Close, Ping or Pong fits.
    public static let controlFrameSizeMaxBytes = 6 + FrameEncoder.controlPayloadMaxBytes

    // Widest first: a server holds one of these in each connection's slot.
    private var decoder: FrameDecoder
    /// permessage-deflate; nil when it was not agreed on.
    let compression: CompressionContexts?
    private(set) var assembler = MessageAssembler()
    /// The reasons of the Close frames that passed; nil if neither had one, as is usual.
    private var reasons: CloseReasons?
    /// The codes of the Close frames that passed: nil if none did, `noStatus` if it had no code.
    var receivedCode: CloseCode?
    var sentCode: CloseCode?
    /// Whether a message is being sent in fragments.
    var isSendingFragments = false
    /// Whether the connection failed: the peer broke a rule, or `fail(with:)` was called.
    public internal(set) var isFailed = false
    /// Where the closing handshake stands.
    public internal(set) var state = EndpointState.open
    /// The side this endpoint plays.
    public let role: Role

    /// An endpoint at the first octet behind the opening handshake, with the contexts of
    /// permessage-deflate if that was agreed on there, for the same role. Endpoints that share
    /// `scratch` allocate less.
    public init(
        role: Role, limits: Limits = Limits(), compression: CompressionContexts? = nil,
        scratch: EndpointScratch? = nil
    ) {
        self.role = role
        self.compression = compression
        compression?.messageSizeMaxBytes = max(0, limits.messageSizeMaxBytes)
        decoder = FrameDecoder(
            role: role, limits: limits, allowing: compression == nil ? [] : .rsv1,
            scratch: scratch)
    }

    deinit { if assembler.isLent { decoder.scratch?.payloadLeft() } }
}

extension Endpoint {
    /// The next event in `octets`; nil when all of them have been taken.
    ///
    /// Call it again with the same octets until it returns nil; then they may be dropped, and the
    /// next call is given what arrived after them. Payloads are unmasked in `octets`, and events
    /// say where they lie.
    ///
    /// The caller may stop between events. Then the first `position` octets are done with; the rest
    /// has been changed already and must be given again, unchanged, at the start of what comes next
    /// (see `dropConsumed()`); octets that arrived later may be appended to it.
    ///
    /// An event costs no allocation unless its message came in parts; octets with more than one
    /// frame take 1 KiB, given back with the nil: see ``EndpointScratch``. When the peer broke a
    /// rule all events before that are returned first; the error is thrown once and everything
    /// after it is ignored.
    public mutating func nextEvent(
        in octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> Event? {
        if let message = decoder.takeFoundMessage() {
            return message.isText
                ? .text(.inPlace(message.range)) : .binary(.inPlace(message.range))
        }
        return try findEvent(in: &octets)
    }

    @inline(never)
    private mutating func findEvent(
        in octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> Event? {
        do throws(ProtocolError) {
            while let part = try decoder.next(in: &octets) {
                if part.isControl { return controlEvent(part, in: octets.span) }
                if part.isCompressed {
                    guard let event = try inflate(part, of: octets.span) else { continue }
                    return event
                }
                if part.endsMessage { return messageEvent(part, in: octets.span) }
                assemble(part, of: octets.span)
            }
            return nil
        } catch {
            stopReading(.closing)
            isFailed = true
            throw error
        }
    }

    /// What `nextEvent(in:)` would find in `octets`; found, if it is a message in one frame that lies
    /// there. The fast road through small messages: it makes no event.
    package mutating func nextMessageInPlace(
        in octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> MessageInPlace {
        if let message = decoder.takeFoundMessage() {
            return .message(message.range, isText: message.isText)
        }
        return try findMessageInPlace(in: &octets)
    }

    @inline(never)
    private mutating func findMessageInPlace(
        in octets: inout MutableSpan<UInt8>
    ) throws(ProtocolError) -> MessageInPlace {
        do throws(ProtocolError) {
            return switch try decoder.nextWholeMessage(in: &octets) {
            case .wholeMessage(let part): .message(part.range, isText: part.isText)
            case .other: .other
            case .nothing: .nothing(isBetweenMessages: decoder.openMessageProgress == nil)
            }
        } catch {
            stopReading(.closing)
            isFailed = true
            throw error
        }
    }

    /// See `nextMessageInPlace(in:)`.
    package enum MessageInPlace {
        /// A data message, whose text is valid, in this range of the octets.
        case message(Range<Int>, isText: Bool)
        /// What it is `nextEvent(in:)` tells.
        case other
        /// All octets have been taken.
        case nothing(isBetweenMessages: Bool)
    }

    /// How many octets at the front of those given to `nextEvent(in:)` are done with, once the
    /// payload of its latest event is. 0 after it returned nil, when all of them are.
    public var position: Int { decoder.position }

    /// Tells the endpoint that the caller drops the first `position` octets, and returns how many
    /// they are. The next call of `nextEvent(in:)` is given those behind them first.
    public mutating func dropConsumed() -> Int { decoder.dropConsumed() }

    /// A number that changes with every octet and every fragment of the message that is being
    /// received; nil between messages. It is for whoever has a clock: a message that makes no
    /// progress for long is held for nothing. To be read when `nextEvent(in:)` has returned nil.
    public var unfinishedMessageProgress: UInt64? { decoder.openMessageProgress }

    /// The octets kept of the message that is being received, decompressed.
    public var unfinishedMessageBytes: Int { assembler.count + (compression?.inflatedBytes ?? 0) }

    /// Appends the messages in `octets` to `messages`, control frames among them.
    ///
    /// When the peer broke a rule it throws after it has appended what came before. This is the
    /// simple way to receive: it copies `octets` and every message.
    public mutating func receive(
        _ octets: [UInt8], into messages: inout [Message]
    ) throws(ProtocolError) {
        var octets = octets
        var span = octets.mutableSpan
        while let event = try nextEvent(in: &span) {
            messages.append(event.message(in: span.span))
        }
    }

    /// The messages in `octets`, control frames among them. When the peer broke a rule the messages
    /// before that are lost; `receive(_:into:)` keeps them.
    public mutating func receive(_ octets: [UInt8]) throws(ProtocolError) -> [Message] {
        var messages: [Message] = []
        try receive(octets, into: &messages)
        return messages
    }

    /// What the endpoint owes for `event`, found in `octets`: a Pong for a Ping, with its payload;
    /// a Close with its code for a Close that was not answered before; nil for all else.
    public func reply(to event: Event, in octets: Span<UInt8>) -> Message? {
        switch event {
        case .ping(let payload): owesPong ? .pong(payload.octets(in: octets)) : nil
        case .close(let code, _): owesClose ? .close(code, reason: "") : nil
        case .text, .binary, .pong: nil
        }
    }

    /// What the endpoint owes for `message`, which it received.
    public func reply(to message: Message) -> Message? {
        switch message {
        case .ping(let payload): owesPong ? .pong(payload) : nil
        case .close(let code, _): owesClose ? .close(code, reason: "") : nil
        case .text, .binary, .pong: nil
        }
    }

    /// The code and reason of the peer's Close frame; the code is nil if it carried none.
    public var receivedClose: (code: CloseCode?, reason: String)? {
        receivedCode.map { ($0 == .noStatus ? nil : $0, reasons?.received ?? "") }
    }

    /// Tells the endpoint that the connection ended without a closing handshake.
    public mutating func connectionLost() {
        stopReading(.closed)
        compression?.end()
    }

    var sentReason: String { reasons?.sent ?? "" }

    mutating func keepSentReason(_ reason: String) {
        if !reason.isEmpty { closeReasons().sent = reason }
    }

    private mutating func closeReasons() -> CloseReasons {
        let kept = reasons ?? CloseReasons()
        reasons = kept
        return kept
    }

    /// A Ping is answered unless a Close came (RFC 6455 section 5.5.2). A Ping behind the Close is
    /// no event, so what remains is whether sending is possible.
    private var owesPong: Bool { state != .closed && !isFailed }

    private var owesClose: Bool { sentCode == nil && state != .closed && !isFailed }

    /// Ignores what else is received.
    mutating func stopReading(_ state: EndpointState) {
        if self.state != .closed { self.state = state }
        decoder.stop()
        assembler.removeAll(decoder.scratch)
        compression?.stopInflating()
    }

    private mutating func controlEvent(_ part: FramePart, in octets: Span<UInt8>) -> Event {
        if part.isClose { return closeEvent(part, in: octets) }
        let payload: Payload =
            part.isCarried
            ? .assembled([UInt8](decoder.carried[part.range])) : .inPlace(part.range)
        return part.isPing ? .ping(payload) : .pong(payload)
    }

    private mutating func closeEvent(_ part: FramePart, in octets: Span<UInt8>) -> Event {
        let code = part.closeCode
        // The reason stands behind the two octets of the code.
        let reason = part.range.dropFirst(2)
        let text =
            part.isCarried
            ? String(validOrRepaired: decoder.carried.span.extracting(reason))
            : String(validOrRepaired: octets.extracting(reason))
        if !text.isEmpty { closeReasons().received = text }
        receivedCode = code
        state = sentCode == nil ? .closing : .closed
        return .close(code == .noStatus ? nil : code, reason: text)
    }

    /// Decompresses a part; gives the event of the message that it ends.
    private mutating func inflate(
        _ part: FramePart, of octets: Span<UInt8>
    ) throws(ProtocolError) -> Event? {
        // The decoder lets RSV1 through only where the extension was agreed on.
        guard let compression else { throw ProtocolError(.reservedBits) }
        try compression.inflate(octets.extracting(part.range), isText: part.isText)
        guard part.endsMessage else { return nil }
        let payload = Payload.assembled(
            try compression.finishInflating())
        return part.isText ? .text(payload) : .binary(payload)
    }

    private mutating func assemble(_ part: FramePart, of octets: Span<UInt8>) {
        assembler.append(
            part.range, of: octets, declared: decoder.declaredMessageLength, decoder.scratch)
    }

    private mutating func messageEvent(_ part: FramePart, in octets: Span<UInt8>) -> Event {
        var payload = Payload.inPlace(part.range)
        if !assembler.isEmpty {
            assemble(part, of: octets)
            payload = .assembled(assembler.finish(decoder.scratch))
        }
        return part.isText ? .text(payload) : .binary(payload)
    }
}

/// The reasons of the two Close frames.
private final class CloseReasons {
    var received = ""
    var sent = ""
}
