// SPDX-License-Identifier: Apache-2.0
import WSCodec

/// Collects one request body from octets as they come (RFC 9112 sections 6 and 7.1).
///
/// Reads nothing itself and knows no time. Memory grows with the octets received, never with the
/// length the client declares. Stricter than some: a line ends with CRLF and nothing else, sizes
/// are plain hexadecimal digits, and what a chunk is followed by is checked. Chunk extensions and
/// trailer fields are checked, bounded and dropped.
struct BodyReader: Sendable {
    /// How the end of a body is found.
    enum Framing: Hashable, Sendable {
        /// After this many octets (Content-Length); 0 when there is no body.
        case length(Int)
        /// After the chunk of size 0 and the trailer section (Transfer-Encoding: chunked).
        case chunked

        /// The framing of the body behind `head`.
        init(_ head: RequestHead) {
            self = head.isChunked ? .chunked : .length(head.contentLength ?? 0)
        }
    }

    /// Where in the body the next octet stands.
    private enum State: Hashable {
        /// In a body or chunk with this many octets to come, at least one.
        case data(remaining: Int)
        /// In a chunk size of which this much is read.
        case chunkSize(value: UInt64, digits: UInt8)
        /// In white space before a chunk extension.
        case chunkBlank(size: UInt64)
        /// In a chunk extension.
        case chunkExtension(size: UInt64)
        /// Behind the CR of a chunk's first line.
        case chunkLineFeed(size: UInt64)
        /// Behind the octets of a chunk.
        case chunkEnd
        /// Behind the CR that follows the octets of a chunk.
        case chunkEndLineFeed
        /// At the start of a trailer field or of the empty line.
        case trailerStart
        /// In the name of a trailer field.
        case trailerName
        /// In the value of a trailer field.
        case trailerValue
        /// Behind the CR of a trailer field.
        case trailerLineFeed
        /// Behind the CR of the empty line.
        case lastLineFeed
        /// Behind the body.
        case complete
    }

    /// What has been received of the body. The whole body once `isComplete`.
    private(set) var body: [UInt8] = []
    /// All octets taken so far, framing included, for judging the rate they come at.
    private(set) var octetsTaken = 0
    private var state: State
    private let isChunked: Bool
    private let sizeMax: Int
    /// The octets of chunk extensions and of trailer fields that are still allowed.
    private var extensionsLeft: Int
    private var trailersLeft: Int

    /// A reader for one body; throws `bodyTooLarge` if the declared length already is.
    ///
    /// - Parameters:
    ///   - framing: How the end is found.
    ///   - sizeMax: The largest body, in octets.
    ///   - headMax: The most octets of trailer fields, and the most of chunk extensions.
    init(_ framing: Framing, sizeMax: Int, headMax: Int) throws(BodyError) {
        self.sizeMax = sizeMax
        extensionsLeft = headMax
        trailersLeft = headMax
        switch framing {
        case .length(let length):
            guard length <= sizeMax else { throw .bodyTooLarge }
            isChunked = false
            state = length > 0 ? .data(remaining: length) : .complete
        case .chunked:
            isChunked = true
            state = .chunkSize(value: 0, digits: 0)
        }
    }

    /// Whether the body is whole. What follows it is the next request.
    var isComplete: Bool { state == .complete }

    /// Takes octets up to the end of the body and gives how many; all of them unless `isComplete`.
    /// After an error the reader is of no more use.
    mutating func receive(_ octets: Span<UInt8>) throws(BodyError) -> Int {
        var position = 0
        while position < octets.count, state != .complete {
            if case .data(let remaining) = state {
                let count = min(remaining, octets.count - position)
                append(octets.extracting(position..<position + count))
                position += count
                if count < remaining {
                    state = .data(remaining: remaining - count)
                } else {
                    state = isChunked ? .chunkEnd : .complete
                }
            } else {
                state = try next(octets[position])
                position += 1
            }
        }
        octetsTaken += position
        return position
    }

    private mutating func append(_ octets: Span<UInt8>) {
        // Safe because the buffer is read only inside the closure, while the span lives.
        unsafe octets.withUnsafeBufferPointer { unsafe body.append(contentsOf: $0) }
    }

    /// The state behind one octet of framing.
    private mutating func next(_ octet: UInt8) throws(BodyError) -> State {
        switch state {
        case .data, .complete:
            return state
        case .chunkSize(let value, let digits):
            if let digit = octet.hexDigit {
                // Sixteen digits fill 64 bits exactly, so nothing is shifted out.
                guard digits < 16 else { throw .invalidChunkSize }
                return .chunkSize(value: value << 4 | UInt64(digit), digits: digits + 1)
            }
            guard digits > 0 else { throw .invalidChunkSize }
            return try endOfChunkSize(octet, size: value)
        case .chunkBlank(let size):
            if octet.isBlank {
                try countExtension()
                return state
            }
            guard octet == UInt8(ascii: ";") else { throw .invalidChunkExtension }
            try countExtension()
            return .chunkExtension(size: size)
        case .chunkExtension(let size):
            if octet == .carriageReturn { return .chunkLineFeed(size: size) }
            guard octet.isFieldValue else { throw .invalidChunkExtension }
            try countExtension()
            return state
        case .chunkLineFeed(let size):
            guard octet == .lineFeed else { throw .invalidLineEnd }
            return size == 0 ? .trailerStart : .data(remaining: Int(size))
        case .chunkEnd:
            guard octet == .carriageReturn else { throw .invalidLineEnd }
            return .chunkEndLineFeed
        case .chunkEndLineFeed:
            guard octet == .lineFeed else { throw .invalidLineEnd }
            return .chunkSize(value: 0, digits: 0)
        case .trailerStart:
            if octet == .carriageReturn { return .lastLineFeed }
            guard octet.isToken else { throw .invalidTrailer }
            try countTrailer()
            return .trailerName
        case .trailerName:
            guard octet.isToken || octet == UInt8(ascii: ":") else { throw .invalidTrailer }
            try countTrailer()
            return octet == UInt8(ascii: ":") ? .trailerValue : state
        case .trailerValue:
            if octet == .carriageReturn { return .trailerLineFeed }
            guard octet.isFieldValue else { throw .invalidTrailer }
            try countTrailer()
            return state
        case .trailerLineFeed:
            guard octet == .lineFeed else { throw .invalidLineEnd }
            return .trailerStart
        case .lastLineFeed:
            guard octet == .lineFeed else { throw .invalidLineEnd }
            return .complete
        }
    }

    /// The state behind the octet that ends the digits of a chunk size. The size is judged here, so
    /// that no larger one is carried on: from here on it fits an `Int`.
    private mutating func endOfChunkSize(_ octet: UInt8, size: UInt64) throws(BodyError) -> State {
        // Invariant: body.count <= sizeMax, so the difference is not negative.
        guard size <= UInt64(sizeMax - body.count) else { throw .bodyTooLarge }
        switch octet {
        case .carriageReturn:
            return .chunkLineFeed(size: size)
        case UInt8(ascii: ";"):
            try countExtension()
            return .chunkExtension(size: size)
        case _ where octet.isBlank:
            try countExtension()
            return .chunkBlank(size: size)
        case .lineFeed:
            throw .invalidLineEnd
        default:
            throw .invalidChunkSize
        }
    }

    private mutating func countExtension() throws(BodyError) {
        guard extensionsLeft > 0 else { throw .chunkExtensionsTooLarge }
        extensionsLeft -= 1
    }

    private mutating func countTrailer() throws(BodyError) {
        guard trailersLeft > 0 else { throw .trailersTooLarge }
        trailersLeft -= 1
    }
}
