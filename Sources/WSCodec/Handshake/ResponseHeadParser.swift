// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// Reads response heads from octets as they come (RFC 9112), for a client's handshake.
///
/// Theory: as in ``RequestHeadParser``: one octet class a state, each octet looked at once, an
/// error on the first that cannot be. The status line may end behind the three digits, as many
/// servers send it. Bodies are the caller's: a refusal may have one, the 101 has none.
public struct ResponseHeadParser: Sendable {
    private enum State {
        case version
        /// Behind the version, before the space.
        case versionEnd
        case status
        /// Behind the third digit: a space, or CR.
        case statusEnd
        case reasonPhrase
        /// Behind the CR of the status line.
        case statusLineFeed
        case fieldLines
        case complete
    }

    private let limits: HTTPLimits
    private var state = State.version
    private var versionReader = HTTPVersionReader()
    private var version = HTTPVersion.http11
    private var statusDigits = 0
    private var statusCode = 0
    /// Where the reason phrase begins and ends.
    private var reasonStart = 0
    private var reasonEnd = 0
    private var fieldLines = FieldLinesParser()
    /// Not private, so that a test can spoil what is kept and show that nobody looks back at it.
    var fields = FieldLines()
    private var failure: ResponseError?

    /// A parser at the start of a response. Of `limits`, the request line's is the status line's.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits.clamped
    }

    /// Takes octets up to the end of a head.
    ///
    /// Gives how many it took when the head is complete: ask for it with ``takeHead()``; what is
    /// behind belongs to what follows the head. Gives nil when it took all and needs more. The
    /// octets are copied. Linear in their number, however they are cut.
    public mutating func receive(_ octets: Span<UInt8>) throws(ResponseError) -> Int? {
        if let failure { throw failure }
        precondition(state != .complete, "receive(_:) before takeHead()")
        do {
            var index = 0
            let isComplete = try take(octets, &index)
            // Safe because the buffer does not leave the closure.
            unsafe octets.extracting(0..<index).withUnsafeBufferPointer {
                unsafe fields.octets.append(contentsOf: $0)
            }
            guard isComplete else { return nil }
            state = .complete
            return index
        } catch {
            failure = error
            fields = FieldLines()
            throw error
        }
    }

    /// The head that is complete; the parser is then ready for the next one, which follows an
    /// informational response other than 101. To be called once each time ``receive(_:)`` gave a
    /// number.
    public mutating func takeHead() -> ResponseHead {
        precondition(state == .complete, "takeHead() without a complete head")
        // Three digits: within what the status takes.
        let status = HTTPResponse.Status(
            code: statusCode, reasonPhrase: fields.text(reasonStart..<reasonEnd))
        let head = ResponseHead(status: status, version: version, fields: fields)
        self = ResponseHeadParser(limits: limits)
        return head
    }

    private mutating func take(
        _ octets: Span<UInt8>, _ index: inout Int
    ) throws(ResponseError) -> Bool {
        let offset = fields.octets.count
        if state != .fieldLines { try takeStatusLine(octets, &index, offset) }
        guard state == .fieldLines else { return false }
        do {
            return try fieldLines.receive(
                octets, from: &index, offset: offset, limits: limits, lines: &fields.lines)
        } catch {
            throw ResponseError(fieldLine: error)
        }
    }

    private mutating func takeStatusLine(
        _ octets: Span<UInt8>, _ index: inout Int, _ offset: Int
    ) throws(ResponseError) {
        let lineMax = min(limits.requestLineMaxBytes, limits.headMaxBytes)
        while index < octets.count, state != .fieldLines {
            let octet = octets[index]
            // CR and LF do not count.
            guard index &+ offset < lineMax || octet == .carriageReturn || state == .statusLineFeed
            else { throw ResponseError(.statusLineTooLong) }
            try takeStatusLine(octet, at: index &+ offset)
            index &+= 1
        }
    }

    private mutating func takeStatusLine(
        _ octet: UInt8, at position: Int
    ) throws(ResponseError) {
        switch state {
        case .version:
            try takeVersion(octet)
        case .versionEnd:
            guard octet == .space else { throw ResponseError(.invalidVersion) }
            state = .status
        case .status:
            guard octet.isDigit, statusDigits > 0 || octet != 0x30 else {
                throw ResponseError(.invalidStatus)
            }
            // At most three digits.
            statusCode = statusCode &* 10 &+ Int(octet &- 0x30)
            statusDigits &+= 1
            if statusDigits == 3 { state = .statusEnd }
        case .statusEnd:
            reasonStart = position &+ 1
            reasonEnd = position &+ 1
            if octet == .space {
                state = .reasonPhrase
            } else {
                guard octet == .carriageReturn else { throw ResponseError(.invalidStatus) }
                state = .statusLineFeed
            }
        case .reasonPhrase:
            reasonEnd = position
            if octet == .carriageReturn {
                state = .statusLineFeed
            } else if !octet.isFieldValueOctet {
                throw ResponseError(octet == .lineFeed ? .bareLineFeed : .invalidReasonPhrase)
            }
        default:
            guard octet == .lineFeed else { throw ResponseError(.bareCarriageReturn) }
            state = .fieldLines
        }
    }

    private mutating func takeVersion(_ octet: UInt8) throws(ResponseError) {
        switch versionReader.read(octet) {
        case .more: break
        case .done(let version):
            self.version = version
            state = .versionEnd
        case .invalid: throw ResponseError(.invalidVersion)
        case .unsupported: throw ResponseError(.unsupportedVersion)
        }
    }
}
