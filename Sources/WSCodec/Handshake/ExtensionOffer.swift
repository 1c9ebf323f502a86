// SPDX-License-Identifier: Apache-2.0

/// One element of Sec-WebSocket-Extensions: an extension offered by a client, or accepted by a
/// server (RFC 6455 section 9.1).
public struct ExtensionOffer: Sendable, Hashable {
    /// One parameter: a name, with or without a value.
    public struct Parameter: Sendable, Hashable {
        /// A token.
        public var name: String
        /// A token, quoted on the wire or not; nil when the name stands alone.
        public var value: String?

        /// A parameter; checked when it is encoded.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The extension's name, a token, as in the registry of RFC 6455 section 11.4.
    public var name: String
    /// The parameters in their order; the extension judges whether one may stand there twice.
    public var parameters: [Parameter]

    /// An extension; checked when it is encoded.
    public init(_ name: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.parameters = parameters
    }

    /// Whether names and values are tokens, so that the grammar can carry them.
    var isValid: Bool {
        name.isToken && parameters.allSatisfy { $0.name.isToken && $0.value?.isToken ?? true }
    }

    /// What all Sec-WebSocket-Extensions lines of `fields` list together; empty without the field,
    /// nil when it does not follow the grammar.
    static func list(in fields: FieldLines) -> [ExtensionOffer]? {
        let ranges = fields.ranges(of: "sec-websocket-extensions")
        if ranges.isEmpty { return [] }
        var extensions: [ExtensionOffer] = []
        for range in ranges {
            var reader = ExtensionReader(position: range.lowerBound, end: range.upperBound)
            guard reader.readList(fields.octets.span, into: &extensions) else { return nil }
        }
        // The list has at least one element.
        return extensions.isEmpty ? nil : extensions
    }
}

extension ExtensionOffer: CustomStringConvertible {
    /// The element as it stands on the wire: `permessage-deflate; client_max_window_bits=10`.
    public var description: String {
        parameters.reduce(into: name) { text, parameter in
            text += "; " + parameter.name
            if let value = parameter.value { text += "=" + value }
        }
    }
}

/// Reads the grammar of RFC 6455 section 9.1 from a field value. White space may stand around
/// separators, and list elements may be empty, as in every list of HTTP (RFC 9110 section 5.6.1).
private struct ExtensionReader {
    var position: Int
    let end: Int

    /// False when the value does not follow the grammar.
    mutating func readList(_ octets: Span<UInt8>, into list: inout [ExtensionOffer]) -> Bool {
        while true {
            skipWhiteSpace(octets)
            guard position < end else { return true }
            if octets[position] == .comma {
                position &+= 1
                continue
            }
            guard let element = readExtension(octets) else { return false }
            list.append(element)
            guard position == end || octets[position] == .comma else { return false }
        }
    }

    private mutating func readExtension(_ octets: Span<UInt8>) -> ExtensionOffer? {
        guard let name = readToken(octets) else { return nil }
        var element = ExtensionOffer(name)
        skipWhiteSpace(octets)
        while skip(.semicolon, octets) {
            skipWhiteSpace(octets)
            guard let name = readToken(octets) else { return nil }
            var parameter = ExtensionOffer.Parameter(name)
            skipWhiteSpace(octets)
            if skip(.equals, octets) {
                skipWhiteSpace(octets)
                guard let value = readValue(octets) else { return nil }
                parameter.value = value
                skipWhiteSpace(octets)
            }
            element.parameters.append(parameter)
        }
        return element
    }

    private mutating func readToken(_ octets: Span<UInt8>) -> String? {
        var token: [UInt8] = []
        while position < end, octets[position].isTokenOctet {
            token.append(octets[position])
            position &+= 1
        }
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// A token, or a quoted string that is one when the quoting is undone.
    private mutating func readValue(_ octets: Span<UInt8>) -> String? {
        guard skip(.doubleQuote, octets) else { return readToken(octets) }
        var value: [UInt8] = []
        while position < end, octets[position] != .doubleQuote {
            if octets[position] == .backslash { position &+= 1 }
            guard position < end, octets[position].isTokenOctet else { return nil }
            value.append(octets[position])
            position &+= 1
        }
        guard skip(.doubleQuote, octets), !value.isEmpty else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    private mutating func skipWhiteSpace(_ octets: Span<UInt8>) {
        while position < end, octets[position].isWhiteSpace { position &+= 1 }
    }

    private mutating func skip(_ octet: UInt8, _ octets: Span<UInt8>) -> Bool {
        guard position < end, octets[position] == octet else { return false }
        position &+= 1
        return true
    }
}
