// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// Reads request heads from octets as they come (RFC 9112).
///
/// Theory: `state` says what the next octet may be; one that it may not be is an error at once, so
/// garbage ends at its first impossible octet. Each octet is looked at once and copied once, into
/// one array that is never larger than twice the head's limit. Line ends are CR LF and nothing
/// else. What needs the whole line is checked at its end, what needs the whole head when that is
/// complete. After an error every further call throws the same.
public struct RequestHeadParser: Sendable {
    private enum State {
        /// Before the first octet of a request: up to two empty lines may stand there.
        case start
        /// Behind the CR of such a line.
        case startLineFeed
        case method
        case target
        /// In the eight octets `HTTP/1.x`.
        case version
        /// Behind the version, before CR.
        case requestLineEnd
        /// Behind CR.
        case requestLineFeed
        case fieldLines
        case complete
    }

    private let limits: HTTPLimits
    private var state = State.start
    private var emptyLines = 0
    private var methodEnd = 0
    private var targetEnd = 0
    private var versionReader = HTTPVersionReader()
    private var version = HTTPVersion.http11
    private var request: (method: HTTPRequest.Method, target: RequestTarget)?
    private var fieldLines = FieldLinesParser()
    /// Not private, so that a test can spoil what is kept and show that nobody looks back at it.
    var fields = FieldLines()
    private var head: RequestHead?
    private var failure: RequestError?

    /// A parser at the start of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits.clamped
    }

    /// Whether a head has begun: at least one octet that is not part of an empty line before it.
    public var isInsideHead: Bool { state != .start && state != .startLineFeed }

    /// Takes octets up to the end of a head.
    ///
    /// Gives how many it took when the head is complete: ask for it with ``takeHead()``; what is
    /// behind belongs to what follows the head. Gives nil when it took all and needs more. The
    /// octets are copied. Linear in their number, however they are cut.
    public mutating func receive(_ octets: Span<UInt8>) throws(RequestError) -> Int? {
        if let failure { throw failure }
        do {
            return try take(octets)
        } catch {
            failure = error
            // Nobody asks for a broken head.
            fields = FieldLines()
            throw error
        }
    }

    /// The head that is complete; the parser is then ready for the next one on the connection.
    /// To be called once each time ``receive(_:)`` gave a number.
    public mutating func takeHead() -> RequestHead {
        guard let head else { preconditionFailure("takeHead() without a complete head") }
        self = RequestHeadParser(limits: limits)
        return head
    }

    private mutating func take(_ octets: Span<UInt8>) throws(RequestError) -> Int? {
        precondition(state != .complete, "receive(_:) before takeHead()")
        var index = 0
        try skipEmptyLines(octets, &index)
        // Octets from here on are kept; `offset` makes an index a position in the head.
        let offset = fields.octets.count &- index
        var kept = index
        if try takeRequestLine(octets, &index, offset) {
            keep(octets, from: &kept, to: index)
            try checkRequestLine()
            state = .fieldLines
        }
        if state == .fieldLines {
            let isComplete = try takeFieldLines(octets, &index, offset)
            keep(octets, from: &kept, to: index)
            if isComplete {
                try complete()
                return index
            }
        } else {
            keep(octets, from: &kept, to: index)
        }
        return nil
    }

    private mutating func keep(_ octets: Span<UInt8>, from start: inout Int, to end: Int) {
        if fields.octets.isEmpty {
            // Most heads come in one piece of a few hundred octets, with about ten fields.
            fields.octets.reserveCapacity(min(octets.count &- start, 1024))
            fields.lines.reserveCapacity(min(limits.fieldCountMax, 16))
        }
        // Safe because the buffer does not leave the closure.
        unsafe octets.extracting(start..<end).withUnsafeBufferPointer {
            unsafe fields.octets.append(contentsOf: $0)
        }
        start = end
    }

    /// RFC 9112 section 2.2: a server should ignore at least one empty line before the request.
    private mutating func skipEmptyLines(
        _ octets: Span<UInt8>, _ index: inout Int
    ) throws(RequestError) {
        while index < octets.count {
            if state == .start, octets[index] == .carriageReturn, emptyLines < 2 {
                state = .startLineFeed
                emptyLines &+= 1
            } else if state == .startLineFeed {
                guard octets[index] == .lineFeed else { throw RequestError(.bareCarriageReturn) }
                state = .start
            } else {
                if state == .start { state = .method }
                return
            }
            index &+= 1
        }
    }

    /// True when the line's LF has passed.
    private mutating func takeRequestLine(
        _ octets: Span<UInt8>, _ index: inout Int, _ offset: Int
    ) throws(RequestError) -> Bool {
        let lineMax = min(limits.requestLineMaxBytes, limits.headMaxBytes)
        let end = min(octets.count, max(lineMax &- offset, index))
        while index < end {
            switch state {
            case .method:
                while index < end, octets[index].isTokenOctet { index &+= 1 }
                guard index < end else { continue }
                methodEnd = index &+ offset
                guard octets[index] == .space, methodEnd > 0 else {
                    throw RequestError(.invalidMethod)
                }
                index &+= 1
                state = .target
            case .target:
                try takeTarget(octets, &index, end, offset)
            case .version:
                try takeVersion(octets[index])
                index &+= 1
            default:
                return try takeRequestLineEnd(octets, &index)
            }
        }
        if index < octets.count, state == .method || state == .target || state == .version {
            throw RequestError(.requestLineTooLong)
        }
        return try takeRequestLineEnd(octets, &index)
    }

    private mutating func takeTarget(
        _ octets: Span<UInt8>, _ index: inout Int, _ end: Int, _ offset: Int
    ) throws(RequestError) {
        if index &+ offset == methodEnd &+ 1 {
            let first = octets[index]
            guard first == .slash || first == .asterisk || first.isLetter else {
                throw RequestError(.invalidTarget)
            }
        }
        while index < end, octets[index].isTargetOctet { index &+= 1 }
        guard index < end else { return }
        guard octets[index] == .space else { throw RequestError(.invalidTarget) }
        targetEnd = index &+ offset
        index &+= 1
        state = .version
    }

    private mutating func takeVersion(_ octet: UInt8) throws(RequestError) {
        switch versionReader.read(octet) {
        case .more: break
        case .done(let version):
            self.version = version
            state = .requestLineEnd
        case .invalid: throw RequestError(.invalidVersion)
        case .unsupported: throw RequestError(.unsupportedVersion)
        }
    }

    private mutating func takeRequestLineEnd(
        _ octets: Span<UInt8>, _ index: inout Int
    ) throws(RequestError) -> Bool {
        if state == .requestLineEnd, index < octets.count {
            guard octets[index] == .carriageReturn else {
                throw RequestError(
                    octets[index] == .lineFeed ? .bareLineFeed : .invalidVersion)
            }
            index &+= 1
            state = .requestLineFeed
        }
        if state == .requestLineFeed, index < octets.count {
            guard octets[index] == .lineFeed else { throw RequestError(.bareCarriageReturn) }
            index &+= 1
            return true
        }
        return false
    }

    private mutating func checkRequestLine() throws(RequestError) {
        guard let method = HTTPRequest.Method(fields.text(0..<methodEnd)) else {
            throw RequestError(.invalidMethod)
        }
        guard method != .connect else { throw RequestError(.connectNotSupported) }
        let range = (methodEnd &+ 1)..<targetEnd
        guard let target = RequestTarget(fields.octets.span, in: range, method: method) else {
            throw RequestError(.invalidTarget)
        }
        request = (method, target)
    }

    private mutating func takeFieldLines(
        _ octets: Span<UInt8>, _ index: inout Int, _ offset: Int
    ) throws(RequestError) -> Bool {
        do {
            return try fieldLines.receive(
                octets, from: &index, offset: offset, limits: limits, lines: &fields.lines)
        } catch {
            throw RequestError(fieldLine: error)
        }
    }

    private mutating func complete() throws(RequestError) {
        guard let (method, target) = request else { throw RequestError(.invalidMethod) }
        head = try RequestHead(method: method, target: target, version: version, fields: fields)
        state = .complete
    }
}

extension RequestError {
    init(fieldLine error: FieldLineError) {
        switch error {
        case .bareCarriageReturn: self.init(.bareCarriageReturn)
        case .bareLineFeed: self.init(.bareLineFeed)
        case .obsoleteFolding: self.init(.obsoleteFolding)
        case .spaceBeforeColon: self.init(.spaceBeforeColon)
        case .invalidFieldName: self.init(.invalidFieldName)
        case .invalidFieldValue: self.init(.invalidFieldValue)
        case .tooManyFields: self.init(.tooManyFields)
        case .headTooLarge: self.init(.headTooLarge)
        }
    }
}
