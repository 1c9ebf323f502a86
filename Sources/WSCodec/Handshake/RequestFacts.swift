// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// What the field lines of a request mean to the connection: gathered in one walk when the head is
/// complete, so that asking costs nothing.
struct RequestFacts: Hashable, Sendable {
    /// Where the value of Host lies; nil when there is none.
    var host: Range<Int>?
    var contentLength: Int?
    var isChunked = false
    var asksToClose = false
    var asksToUpgrade = false
    var upgradesToWebSocket = false
    var hasExpectation = false
    var expectsContinue = false

    /// Walks `fields`; throws when they leave open to whom the request goes (RFC 9112 section 3.2)
    /// or where its body ends (section 6.3).
    init(_ fields: FieldLines, version: HTTPVersion) throws(RequestError) {
        let octets = fields.octets.span
        var codings = TransferCodings()
        for line in fields.lines {
            let name = line.name
            let value = line.value
            switch name.count {
            case 4 where octets.matches("host", in: name):
                guard host == nil else { throw RequestError(.duplicateHost) }
                guard Authority(octets, in: value) != nil else { throw RequestError(.invalidHost) }
                host = value
            case 6 where octets.matches("expect", in: name):
                hasExpectation = true
                expectsContinue = version == .http11 && octets.matches("100-continue", in: value)
            case 7 where octets.matches("upgrade", in: name):
                upgradesToWebSocket = upgradesToWebSocket || octets.listHas("websocket", in: value)
            case 10 where octets.matches("connection", in: name):
                asksToClose = asksToClose || octets.listHas("close", in: value)
                asksToUpgrade = asksToUpgrade || octets.listHas("upgrade", in: value)
            case 14 where octets.matches("content-length", in: name):
                guard contentLength == nil else { throw RequestError(.duplicateContentLength) }
                guard let length = Self.length(octets, in: value) else {
                    throw RequestError(.invalidContentLength)
                }
                contentLength = length
            case 17 where octets.matches("transfer-encoding", in: name):
                codings.add(octets, in: value)
            default: break
            }
        }
        guard host != nil || version == .http10 else { throw RequestError(.missingHost) }
        isChunked = try codings.isChunked(version: version)
        guard !isChunked || contentLength == nil else {
            throw RequestError(.contentLengthWithTransferEncoding)
        }
    }

    /// The number in `range`; nil when it is none or does not fit.
    private static func length(_ octets: Span<UInt8>, in range: Range<Int>) -> Int? {
        guard !range.isEmpty else { return nil }
        var length = 0
        for index in range {
            guard octets[index].isDigit else { return nil }
            let (tens, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(octets[index] &- 0x30))
            guard !overflow, !carry else { return nil }
            length = sum
        }
        return length
    }
}

/// The transfer codings of a request, gathered over its field lines (RFC 9112 section 6.1).
private struct TransferCodings {
    private var lines = 0
    private var chunkedCount = 0
    private var otherCount = 0
    private var endsInChunked = false

    mutating func add(_ octets: Span<UInt8>, in range: Range<Int>) {
        lines &+= 1
        var start = range.lowerBound
        while start <= range.upperBound {
            var end = start
            while end < range.upperBound, octets[end] != .comma { end &+= 1 }
            endsInChunked = octets.matches("chunked", in: octets.trimmed(start..<end))
            if endsInChunked { chunkedCount &+= 1 } else { otherCount &+= 1 }
            start = end &+ 1
        }
    }

    func isChunked(version: HTTPVersion) throws(RequestError) -> Bool {
        guard lines > 0 else { return false }
        guard version == .http11 else { throw RequestError(.transferEncodingInHTTP10) }
        guard endsInChunked, chunkedCount == 1 else {
            throw RequestError(.invalidTransferEncoding)
        }
        guard otherCount == 0 else { throw RequestError(.unsupportedTransferEncoding) }
        return true
    }
}
