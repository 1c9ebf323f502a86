// SPDX-License-Identifier: Apache-2.0

/// What can be wrong in a head's field lines, whoever sent it.
enum FieldLineError: Error {
    case bareCarriageReturn, bareLineFeed, obsoleteFolding, spaceBeforeColon
    case invalidFieldName, invalidFieldValue, tooManyFields, headTooLarge
}

/// Finds the field lines of a head and the empty line behind them (RFC 9112 section 5).
///
/// Theory: `state` says what the next octet may be. Names and values are runs of one octet class,
/// so each state eats its whole run in a tight loop. An octet that the state does not know is an
/// error at once; there is no lenient way through. No octet is looked at twice.
struct FieldLinesParser {
    private enum State {
        /// At the first octet of a line: a name, or the CR of the empty line.
        case lineStart
        /// In a name.
        case name
        /// Behind the colon: white space before the value.
        case valueStart
        /// In a value.
        case value
        /// Behind the CR of a field line.
        case lineFeed
        /// Behind the CR of the empty line.
        case finalLineFeed
    }

    private var state = State.lineStart
    private var nameStart = 0
    private var nameEnd = 0
    private var valueStart = 0
    /// Behind the last octet of the value so far that is not white space.
    private var valueEnd = 0

    /// Takes `octets` from `index` on, and moves `index` behind what it took; `offset` is what to
    /// add to an index to get the position in the head. True when the empty line has passed.
    mutating func receive(
        _ octets: Span<UInt8>, from index: inout Int, offset: Int, limits: HTTPLimits,
        lines: inout [FieldLine]
    ) throws(FieldLineError) -> Bool {
        let end = min(octets.count, max(limits.headMaxBytes &- offset, index))
        while index < end {
            let octet = octets[index]
            switch state {
            case .lineStart:
                if octet == .carriageReturn {
                    state = .finalLineFeed
                } else {
                    try checkFirst(octet)
                    guard lines.count < limits.fieldCountMax else { throw .tooManyFields }
                    nameStart = index &+ offset
                    state = .name
                }
                index &+= 1
            case .name:
                while index < end, octets[index].isTokenOctet { index &+= 1 }
                guard index < end else { continue }
                try checkColon(octets[index])
                nameEnd = index &+ offset
                index &+= 1
                state = .valueStart
            case .valueStart:
                while index < end, octets[index].isWhiteSpace { index &+= 1 }
                guard index < end else { continue }
                valueStart = index &+ offset
                valueEnd = valueStart
                state = .value
            case .value:
                while index < end, octets[index].isFieldValueOctet {
                    if !octets[index].isWhiteSpace { valueEnd = index &+ offset &+ 1 }
                    index &+= 1
                }
                guard index < end else { continue }
                try checkValueEnd(octets[index])
                lines.append(FieldLine(name: nameStart..<nameEnd, value: valueStart..<valueEnd))
                index &+= 1
                state = .lineFeed
            case .lineFeed:
                guard octet == .lineFeed else { throw .bareCarriageReturn }
                index &+= 1
                state = .lineStart
            case .finalLineFeed:
                guard octet == .lineFeed else { throw .bareCarriageReturn }
                index &+= 1
                return true
            }
        }
        guard index == octets.count else { throw .headTooLarge }
        return false
    }

    private func checkFirst(_ octet: UInt8) throws(FieldLineError) {
        if octet.isTokenOctet { return }
        if octet.isWhiteSpace { throw .obsoleteFolding }
        throw octet == .lineFeed ? .bareLineFeed : .invalidFieldName
    }

    private func checkColon(_ octet: UInt8) throws(FieldLineError) {
        if octet == .colon { return }
        throw octet.isWhiteSpace ? .spaceBeforeColon : .invalidFieldName
    }

    private func checkValueEnd(_ octet: UInt8) throws(FieldLineError) {
        if octet == .carriageReturn { return }
        throw octet == .lineFeed ? .bareLineFeed : .invalidFieldValue
    }
}
