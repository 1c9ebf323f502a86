// SPDX-License-Identifier: Apache-2.0
package import WSCodec

/// A decoder written from RFC 6455 section 5 octet by octet, without a thought for speed and
/// without the code under test. It says which close code a stream deserves and on which octet.
package struct NaiveDecoder {
    private let role: Role
    private let limits: Limits
    private var header: [UInt8] = []
    private var key: [UInt8] = []
    private var payload: [UInt8] = []
    private var missing: UInt64 = 0
    private var isInPayload = false
    private var messageOpcode: UInt8?
    private var message: [UInt8] = []
    private var messageLength: UInt64 = 0
    private var fragmentCount = 0
    private var isClosed = false
    private var octetCount = 0

    package private(set) var messages: [Message] = []
    /// The code the connection must fail with, and after how many octets.
    package private(set) var failure: CloseCode?
    package private(set) var failedAt: Int?

    package init(role: Role, limits: Limits = Limits()) {
        self.role = role
        self.limits = limits
    }

    package mutating func receive(_ octet: UInt8) {
        octetCount += 1
        guard failure == nil, !isClosed else { return }
        if isInPayload {
            takePayload(octet)
        } else {
            header.append(octet)
            checkHeader()
        }
    }

    private mutating func fail(_ code: CloseCode) {
        failure = code
        failedAt = octetCount
    }

    private var opcode: UInt8 { header[0] & 0x0F }
    private var isFinal: Bool { header[0] & 0x80 != 0 }
    private var isControl: Bool { opcode >= 8 }

    private mutating func checkHeader() {
        if header.count == 1 { return checkFirstOctet() }
        let isMasked = header[1] & 0x80 != 0
        guard isMasked == (role == .server) else { return fail(.protocolError) }
        let short = header[1] & 0x7F
        if isControl, short > 125 || (opcode == 8 && short == 1) { return fail(.protocolError) }
        let width = short == 126 ? 2 : short == 127 ? 8 : 0
        let extended = header.dropFirst(2).prefix(width)
        // With octets still missing: the smallest and the largest length this may become.
        var least = width == 0 ? UInt64(short) : 0
        var most = least
        for index in 0..<width {
            least = least << 8 | UInt64(index < extended.count ? extended[2 + index] : 0)
            most = most << 8 | UInt64(index < extended.count ? extended[2 + index] : 0xFF)
        }
        if !extended.isEmpty {
            if least >= 1 << 63 { return fail(.protocolError) }
            if most < (width == 2 ? 126 : 65536) { return fail(.protocolError) }
        }
        if !isControl {
            let left = UInt64(limits.messageSizeMaxBytes) - messageLength
            guard least <= min(left, UInt64(limits.frameSizeMaxBytes)) else {
                return fail(.messageTooBig)
            }
        }
        guard header.count == 2 + width + (isMasked ? 4 : 0) else { return }
        key = isMasked ? [UInt8](header.suffix(4)) : [0, 0, 0, 0]
        missing = least
        payload = []
        if !isControl {
            messageLength += least
            if opcode != 0 { messageOpcode = opcode }
            fragmentCount += 1
        }
        isInPayload = true
        if missing == 0 { finishFrame() }
    }

    private mutating func checkFirstOctet() {
        let isKnown = opcode <= 2 || (opcode >= 8 && opcode <= 10)
        guard header[0] & 0x70 == 0, isKnown else { return fail(.protocolError) }
        if isControl {
            if !isFinal { fail(.protocolError) }
        } else if (opcode == 0) != (messageOpcode != nil) {
            fail(.protocolError)
        } else if opcode == 0, fragmentCount >= limits.fragmentCountMax {
            fail(.messageTooBig)
        }
    }

    private mutating func takePayload(_ octet: UInt8) {
        payload.append(octet ^ key[payload.count % 4])
        missing -= 1
        if !isControl, messageOpcode == 1, !Self.mayBeText(message.suffix(8) + payload.suffix(8)) {
            return fail(.invalidPayload)
        }
        if missing == 0 { finishFrame() }
    }

    private mutating func finishFrame() {
        let frameOpcode = opcode
        let endsMessage = isFinal
        isInPayload = false
        header = []
        switch frameOpcode {
        case 8: finishClose()
        case 9: messages.append(.ping(payload))
        case 10: messages.append(.pong(payload))
        default:
            message += payload
            guard endsMessage else { return }
            if messageOpcode == 2 {
                messages.append(.binary(message))
            } else if let text = String(validating: message, as: UTF8.self) {
                messages.append(.text(text))
            } else {
                return fail(.invalidPayload)
            }
            messageOpcode = nil
            message = []
            messageLength = 0
            fragmentCount = 0
        }
    }

    private mutating func finishClose() {
        guard payload.count >= 2 else {
            messages.append(.close(nil, reason: ""))
            isClosed = true
            return
        }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let valid: [ClosedRange<UInt16>] = [1000...1003, 1007...1014, 3000...4999]
        guard valid.contains(where: { $0.contains(code) }) else { return fail(.protocolError) }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            return fail(.invalidPayload)
        }
        messages.append(.close(CloseCode(rawValue: code), reason: reason))
        isClosed = true
    }

    /// Whether some octets behind `octets` would make them UTF-8: table 3-7 of the Unicode
    /// standard, looked up for the last character only, as all before it were checked before.
    private static func mayBeText(_ octets: ArraySlice<UInt8>) -> Bool {
        guard let start = octets.lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return false }
        let character = octets[start...]
        let first = octets[start]
        let rest = character.dropFirst()
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0x00...0x7F: length = 1
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            second = 0xA0...0xBF
        case 0xED:
            length = 3
            second = 0x80...0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0:
            length = 4
            second = 0x90...0xBF
        case 0xF4:
            length = 4
            second = 0x80...0x8F
        case 0xF1...0xF3: length = 4
        default: return false
        }
        guard character.count <= length else { return false }
        if let next = rest.first, !second.contains(next) { return false }
        return character.count == 1 ? isComplete(octets[..<start]) : true
    }

    /// Whether `octets`, known to begin some text, end with a whole character.
    private static func isComplete(_ octets: ArraySlice<UInt8>) -> Bool {
        for (behind, octet) in octets.suffix(3).reversed().enumerated() {
            if octet < 0x80 { return behind == 0 }
            if octet >= 0xC0 { return behind + 1 == (octet >= 0xF0 ? 4 : octet >= 0xE0 ? 3 : 2) }
        }
        return true
    }
}
