// SPDX-License-Identifier: Apache-2.0

extension Endpoint {
    /// The octets of a frame with `payload` octets, as this endpoint sends it.
    public func frameSize(payload: Int) -> Int { Self.frameSize(payload: payload, role: role) }

    /// The octets of a frame with `payload` octets, as an endpoint in `role` sends it.
    public static func frameSize(payload: Int, role: Role) -> Int {
        FrameEncoder.frameSize(payload: payload, isMasked: role == .client)
    }

    /// Appends `message` to `output`, as one frame.
    ///
    /// `compress` is whether a data message is compressed; nil leaves it to the threshold of what
    /// was agreed on, and without permessage-deflate nothing is. `maskingKey` matters to clients
    /// only: fresh and unpredictable for each frame.
    public mutating func send(
        _ message: Message, compress: Bool? = nil, maskingKey: MaskingKey = .zero,
        into output: inout [UInt8]
    ) throws(SendError) {
        switch message {
        case .text(let text):
            try send(
                .text, text.utf8Span.span, compress: compress, maskingKey: maskingKey,
                into: &output)
        case .binary(let octets):
            try send(
                .binary, octets.span, compress: compress, maskingKey: maskingKey, into: &output)
        case .ping(let octets):
            try send(.ping, octets.span, maskingKey: maskingKey, into: &output)
        case .pong(let octets):
            try send(.pong, octets.span, maskingKey: maskingKey, into: &output)
        case .close(let code, let reason):
            try sendClose(code, reason: reason, maskingKey: maskingKey, into: &output)
        }
    }

    /// Appends one frame to `output`, growing it.
    ///
    /// See the form that asks for room.
    public mutating func send(
        _ opcode: Opcode, _ payload: Span<UInt8>, isFinal: Bool = true, compress: Bool? = nil,
        maskingKey: MaskingKey = .zero, into output: inout [UInt8]
    ) throws(SendError) {
        try send(
            opcode, payload, isFinal: isFinal, compress: compress, maskingKey: maskingKey
        ) { size, write throws(SendError) in
            try output.append(addingCapacity: size, initializingWith: write)
        }
    }

    /// Sends one frame, compressed or not, to where `reserve` has room for it: it is told how many
    /// octets the frame takes and what writes them. When it throws, nothing was sent.
    ///
    /// A message may go in fragments: its opcode with `isFinal: false`, then continuations, the
    /// last of them with `isFinal: true`; control frames may go between. That a text message is
    /// UTF-8 as a whole is the caller's word and not checked. A Close goes through `sendClose`.
    ///
    /// Where permessage-deflate was agreed on, a message is compressed if `compress` says so, or
    /// if it says nothing and the payload reaches the threshold or more fragments follow. What does
    /// not get shorter is sent as it is. All fragments go as the first one did.
    public mutating func send(
        _ opcode: Opcode, _ payload: Span<UInt8>, isFinal: Bool = true, compress: Bool? = nil,
        maskingKey: MaskingKey = .zero,
        reserving reserve: (
            _ size: Int, _ write: (inout OutputSpan<UInt8>) throws(SendError) -> Void
        ) throws(SendError) -> Void
    ) throws(SendError) {
        guard opcode != .close else { throw .invalidCloseCode }
        try checkSend(opcode, payload.count, isFinal)
        if !opcode.isControl, let compression {
            let isCompressed =
                opcode == .continuation
                ? compression.isInsideMessage
                : compression.compresses(payload.count, isFinal: isFinal, wish: compress)
            if isCompressed {
                let bits: ReservedBits = opcode == .continuation ? [] : .rsv1
                let isSent = try compression.deflate(payload, isFinal: isFinal) {
                    payload throws(SendError) in
                    try reserve(frameSize(payload: payload.count)) { output throws(SendError) in
                        try write(
                            opcode, bits, payload, isFinal: isFinal, maskingKey: maskingKey,
                            into: &output)
                    }
                }
                if isSent { return isSendingFragments = !isFinal }
            }
        }
        try reserve(frameSize(payload: payload.count)) { output throws(SendError) in
            try write(
                opcode, [], payload, isFinal: isFinal, maskingKey: maskingKey, into: &output)
        }
        if !opcode.isControl { isSendingFragments = !isFinal }
    }

    /// Appends one frame, not compressed, to `output`, which has room for `frameSize(payload:)`
    /// octets. This is the fast road: header and payload are written once, where they are wanted.
    ///
    /// For all else see the form that asks for room. The fragments of a compressed message have
    /// all to go through that.
    public mutating func send(
        _ opcode: Opcode, _ payload: Span<UInt8>, isFinal: Bool = true,
        maskingKey: MaskingKey = .zero, into output: inout OutputSpan<UInt8>
    ) throws(SendError) {
        // A server's whole messages are what there is most of; every rule is below.
        if role == .server, isFinal, opcode == .text || opcode == .binary, canSend,
            !isSendingFragments
        {
            let firstOctet = FrameEncoder.firstOctet(opcode, isFinal: true)
            if FrameEncoder.encode(firstOctet, payload, key: nil, into: &output) { return }
        }
        try sendByTheRules(
            opcode, payload, isFinal: isFinal, maskingKey: maskingKey, into: &output)
    }

    @inline(never) private mutating func sendByTheRules(
        _ opcode: Opcode, _ payload: Span<UInt8>, isFinal: Bool, maskingKey: MaskingKey,
        into output: inout OutputSpan<UInt8>
    ) throws(SendError) {
        guard opcode != .close else { throw .invalidCloseCode }
        try checkSend(opcode, payload.count, isFinal)
        if opcode == .continuation, compression?.isInsideMessage == true {
            throw .fragmentOutOfOrder
        }
        try write(opcode, [], payload, isFinal: isFinal, maskingKey: maskingKey, into: &output)
        if !opcode.isControl { isSendingFragments = !isFinal }
    }

    /// Whether `send` would compress a message with so large a first fragment.
    public func compresses(_ count: Int, isFinal: Bool = true, compress: Bool? = nil) -> Bool {
        compression?.compresses(count, isFinal: isFinal, wish: compress) ?? false
    }

    /// Gives up the compressor that a silent connection keeps, where it has one: the next message
    /// is compressed without reference to earlier ones, as the peer need not know.
    public mutating func releaseIdleCompressor() { compression?.releaseDeflater() }

    /// The octets that the connection's compression contexts take at the moment, at the most.
    public var compressionBytes: Int { compression?.bytes ?? 0 }

    /// Appends a Close frame to `output`: the start of the closing handshake, or its answer.
    ///
    /// Without a code there can be no reason; a reason has at most 123 octets of UTF-8.
    public mutating func sendClose(
        _ code: CloseCode?, reason: String = "", maskingKey: MaskingKey = .zero,
        into output: inout [UInt8]
    ) throws(SendError) {
        try output.append(addingCapacity: Self.controlFrameSizeMaxBytes) {
            span throws(SendError) in
            try sendClose(code, reason: reason, maskingKey: maskingKey, into: &span)
        }
    }

    /// Appends a Close frame to `output`, which has room for `controlFrameSizeMaxBytes`.
    public mutating func sendClose(
        _ code: CloseCode?, reason: String = "", maskingKey: MaskingKey = .zero,
        into output: inout OutputSpan<UInt8>
    ) throws(SendError) {
        guard canSend else { throw .notOpen }
        guard code?.isSendable ?? reason.isEmpty else { throw .invalidCloseCode }
        let reasonOctets = reason.utf8Span.span
        guard reasonOctets.count <= FrameEncoder.controlPayloadMaxBytes - 2 else {
            throw .reasonTooLong
        }
        var payload: [UInt8] = []
        if let code {
            payload.append(UInt8(code.rawValue >> 8))
            payload.append(UInt8(code.rawValue & 0xFF))
            payload.append(contentsOf: reason.utf8)
        }
        try write(.close, [], payload.span, isFinal: true, maskingKey: maskingKey, into: &output)
        compression?.stopDeflating()
        sentCode = code ?? .noStatus
        keepSentReason(reason)
        state = receivedCode == nil ? .closing : .closed
    }

    /// Fails the connection (RFC 6455 section 7.1.7): appends a Close frame with the error's code
    /// to `output`, unless one was sent before. Nothing is read after this.
    ///
    /// The peer's Close is not waited for: send what was written, then end the connection.
    public mutating func fail(
        with error: ProtocolError, maskingKey: MaskingKey = .zero, into output: inout [UInt8]
    ) {
        // It can only refuse when a Close was sent before, or the connection is lost.
        try? sendClose(error.closeCode, maskingKey: maskingKey, into: &output)
        stopReading(.closing)
        isFailed = true
    }

    /// Fails the connection, writing to `output`, which has room for `controlFrameSizeMaxBytes`.
    public mutating func fail(
        with error: ProtocolError, maskingKey: MaskingKey = .zero,
        into output: inout OutputSpan<UInt8>
    ) {
        try? sendClose(error.closeCode, maskingKey: maskingKey, into: &output)
        stopReading(.closing)
        isFailed = true
    }

    /// The code and reason of the Close frame that was sent; the code is nil if it carried none.
    public var sentClose: (code: CloseCode?, reason: String)? {
        sentCode.map { ($0 == .noStatus ? nil : $0, sentReason) }
    }

    /// A Close frame is the last one (RFC 6455 section 5.5.1).
    @inline(__always) private var canSend: Bool { sentCode == nil && state != .closed }

    // Inlined, as is `write`: a call would be given a copy of the whole endpoint.
    @inline(__always) private func checkSend(
        _ opcode: Opcode, _ payloadCount: Int, _ isFinal: Bool
    ) throws(SendError) {
        if opcode.isControl {
            // A Pong is owed for Pings that come until the peer's Close does (section 5.5.2).
            guard canSend || (opcode == .pong && state == .closing && !isFailed) else {
                throw .notOpen
            }
            guard isFinal else { throw .fragmentOutOfOrder }
            guard payloadCount <= FrameEncoder.controlPayloadMaxBytes else {
                throw .controlPayloadTooLong
            }
        } else {
            // After a violation too, until the Close: what answers the messages before it.
            guard canSend else { throw .notOpen }
            guard (opcode == .continuation) == isSendingFragments else {
                throw .fragmentOutOfOrder
            }
        }
    }

    @inline(__always) private func write(
        _ opcode: Opcode, _ reservedBits: ReservedBits, _ payload: Span<UInt8>, isFinal: Bool,
        maskingKey: MaskingKey, into output: inout OutputSpan<UInt8>
    ) throws(SendError) {
        let isWritten = FrameEncoder.encode(
            FrameEncoder.firstOctet(opcode, isFinal: isFinal, reservedBits: reservedBits), payload,
            key: role == .client ? maskingKey : nil, into: &output)
        guard isWritten else { throw .messageTooLarge }
    }
}
