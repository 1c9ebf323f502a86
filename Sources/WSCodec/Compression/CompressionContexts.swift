// SPDX-License-Identifier: Apache-2.0
import CFrame

/// One connection's permessage-deflate (RFC 7692 section 7.2): its contexts, and the messages under
/// way in each direction.
///
/// Theory: the two directions are apart. A context is made, or borrowed from the pool, with the
/// first octet that needs one. With context takeover it stays until the connection ends, or until
/// nobody needs it: a compressor may be given up between any two messages, as nothing obliges it to
/// remember. Without takeover it goes back with the message's last fragment.
///
/// The decompressor's memory is reserved from the start where the peer takes context over, for then
/// it will be needed; everything else is asked for when it is wanted.
public final class CompressionContexts {
    /// What was agreed on.
    public let agreed: PerMessageDeflate

    private let pool: CompressionPool
    /// What of the budget is held for the decompressor.
    private var reserved: Int
    private let deflateShape: DeflateShape
    private let inflateShape: InflateShape

    // Receiving.
    /// The longest message, decompressed.
    var messageSizeMaxBytes = 0
    private var inflater: Inflater?
    private var inflated = InflatedMessage()
    /// The octets of the message that is being received, so far.
    var inflatedBytes: Int { inflated.count }
    private var utf8Tail: UInt32 = 0
    private var hasCompressedOctets = false

    // Sending.
    private var deflater: Deflater?
    /// Whether a compressed message is being sent in fragments.
    private(set) var isInsideMessage = false

    /// The contexts for one connection's `role`, out of `pool`; nil when the pool's budget has no
    /// room for what they may need: then the extension is not to be agreed on.
    public init?(_ agreed: PerMessageDeflate, role: Role, pool: CompressionPool) {
        let inflateShape = agreed.inflateShape(role)
        // A message without a compressor goes as it is, but a budget that has no room for one is
        // better spent on the connections that are there.
        guard pool.budget.has(agreed.contextBytesMax(role)),
            pool.take(inflateShape.ownBytes)
        else { return nil }
        self.agreed = agreed
        self.pool = pool
        self.inflateShape = inflateShape
        reserved = inflateShape.ownBytes
        deflateShape = agreed.deflateShape(role)
    }

    deinit { end() }

    /// The connection is over: gives everything back.
    func end() {
        stopInflating()
        stopDeflating()
        pool.give(reserved)
        reserved = 0
    }

    /// The octets of the contexts that the connection has at the moment, at the most.
    public var bytes: Int {
        (inflater == nil ? 0 : inflateShape.bytes) + (deflater == nil ? 0 : deflateShape.bytes)
    }
}

// MARK: - Receiving

extension CompressionContexts {
    /// Takes a part of a compressed message, unmasked.
    func inflate(_ part: Span<UInt8>, isText: Bool) throws(ProtocolError) {
        guard !part.isEmpty else { return }
        hasCompressedOctets = true
        guard let inflater = inflater ?? takeInflater() else {
            throw ProtocolError(.outOfMemory)
        }
        var position = 0
        while true {
            // One octet more than may be, to see that there is more.
            let capacity = min(messageSizeMaxBytes - inflated.count, Scratch.size - 1) + 1
            // Safe because the scratch memory is in use only until the next step.
            let room = unsafe UnsafeMutableBufferPointer(rebasing: pool.scratch.memory[..<capacity])
            switch unsafe inflater.inflate(part, from: &position, into: room) {
            case .made(let count):
                let made = unsafe UnsafeBufferPointer(rebasing: room[..<count])
                try unsafe check(made, isText: isText)
                unsafe inflated.append(made)
                if count < capacity { return }
            case .corrupt(let count):
                // What comes first is told first, however the stream was cut.
                try unsafe check(UnsafeBufferPointer(rebasing: room[..<count]), isText: isText)
                throw corrupted()
            case .outOfMemory:
                dropInflater()
                throw ProtocolError(.outOfMemory)
            }
        }
    }

    @unsafe private func check(
        _ made: UnsafeBufferPointer<UInt8>, isText: Bool
    ) throws(ProtocolError) {
        let allowed = min(made.count, messageSizeMaxBytes - inflated.count)
        if isText, unsafe cframe_utf8(made.baseAddress, allowed, &utf8Tail) != 0 {
            throw ProtocolError(.invalidUTF8)
        }
        guard made.count == allowed else { throw ProtocolError(.messageTooBig) }
    }

    /// The message whose parts have all been taken.
    func finishInflating() throws(ProtocolError) -> [UInt8] {
        // Some send an empty message as no octet instead of one; it can mean nothing else.
        if hasCompressedOctets { try takeTail() }
        guard utf8Tail == 0 else { throw ProtocolError(.invalidUTF8) }
        hasCompressedOctets = false
        if !inflateShape.takesOver { releaseInflater() }
        return inflated.finish()
    }

    /// Takes what the sender took off (section 7.2.1), unless the message ends with a last block.
    /// It is the rest of an empty block: in a message that was cut short it would be something else.
    private func takeTail() throws(ProtocolError) {
        guard let inflater, !inflater.isBehindLast else { return }
        let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        var position = 0
        // Safe because the scratch memory is not in use otherwise.
        let outcome = unsafe inflater.inflate(
            tail.span, from: &position, into: pool.scratch.memory)
        guard case .made(0) = outcome, inflater.isBetweenBlocks else { throw corrupted() }
    }

    private func takeInflater() -> Inflater? {
        inflater = pool.takeInflater(inflateShape)
        return inflater
    }

    private func corrupted() -> ProtocolError {
        dropInflater()
        return ProtocolError(.corruptCompression)
    }

    /// A decompressor that failed is not given to anybody else.
    private func dropInflater() {
        if let inflater { pool.drop(inflater) }
        inflater = nil
    }

    private func releaseInflater() {
        if let inflater { pool.give(inflater) }
        inflater = nil
    }

    /// Nothing is received any more.
    func stopInflating() {
        releaseInflater()
        inflated = InflatedMessage()
    }
}

// MARK: - Sending

extension CompressionContexts {
    /// Whether a message with so large a first fragment is to be compressed. `wish` is the
    /// sender's, who may leave it to the threshold.
    func compresses(_ count: Int, isFinal: Bool, wish: Bool?) -> Bool {
        guard deflateShape.isPossible else { return false }
        return wish ?? (count >= agreed.settings.thresholdBytes || !isFinal)
    }

    /// Compresses a message, or the next fragment of one, and calls `body` with the payload to
    /// send. False, and nothing was called, when the message is to be sent as it is: there is no
    /// memory to compress it, or it does not get shorter.
    ///
    /// When `body` throws the compressor forgets what it has seen, as the peer will not see it.
    func deflate(
        _ payload: Span<UInt8>, isFinal: Bool, _ body: (Span<UInt8>) throws(SendError) -> Void
    ) throws(SendError) -> Bool {
        let isWhole = isFinal && !isInsideMessage
        guard let deflater = deflater ?? takeDeflater() else { return false }
        // Taken out of the pool, as `body` may come to send with another connection's contexts.
        var output = pool.takeOutput()
        defer { pool.give(output) }
        guard deflater.deflate(payload, into: &output, by: pool.scratch) else {
            dropDeflater()
            if isInsideMessage { throw .outOfMemory }
            return false
        }
        if isFinal { Self.removeTail(&output) }
        if isWhole, output.count >= payload.count, !payload.isEmpty {
            // The peer will not have these octets in its window, so nothing may refer to them.
            deflater.reset()
            if !deflateShape.takesOver { releaseDeflater() }
            return false
        }
        do throws(SendError) {
            try body(output.span)
        } catch {
            deflater.reset()
            if isWhole, !deflateShape.takesOver { releaseDeflater() }
            throw error
        }
        isInsideMessage = !isFinal
        if isFinal, !deflateShape.takesOver { releaseDeflater() }
        return true
    }

    /// The empty stored block at the end goes without its last four octets (section 7.2.1). There
    /// is none where nothing was to be flushed: then one octet says so (section 7.2.3.6).
    private static func removeTail(_ output: inout [UInt8]) {
        if output.isEmpty {
            output.append(0x00)
        } else {
            output.removeLast(4)
        }
    }

    private func takeDeflater() -> Deflater? {
        deflater = pool.takeDeflater(deflateShape)
        return deflater
    }

    private func dropDeflater() {
        if let deflater { pool.drop(deflater) }
        deflater = nil
    }

    /// Gives the compressor up, unless a message is half sent.
    func releaseDeflater() {
        guard !isInsideMessage, let deflater else { return }
        pool.give(deflater)
        self.deflater = nil
    }

    /// Nothing is sent any more.
    func stopDeflating() {
        isInsideMessage = false
        releaseDeflater()
    }
}
