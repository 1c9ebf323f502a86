// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// A name or value that cannot stand in a message's head (RFC 9110 section 5).
public struct HeaderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: Hashable, Sendable {
        /// The name is not a token.
        case invalidName
        /// The value has CR, LF, NUL or another control character in it, or white space at an end.
        case invalidValue
    }

    /// What is wrong.
    public let kind: Kind

    /// What is wrong, in words. Never the text itself, which may come from an attacker.
    public var description: String {
        switch kind {
        case .invalidName: "the field name is not a token (RFC 9110 section 5.6.2)"
        case .invalidValue: "the field value has octets no field may have (RFC 9110 section 5.5)"
        }
    }

    init(_ kind: Kind) { self.kind = kind }
}

extension HeaderError {
    /// `name` as a field name.
    static func checked(name: String) throws(HeaderError) -> HTTPField.Name {
        // Pseudo-header names never pass as tokens, so nothing here can trip HTTPFields.
        guard let name = HTTPField.Name(name) else { throw HeaderError(.invalidName) }
        return name
    }

    /// `value`, if a field can have it.
    static func checked(value: String) throws(HeaderError) -> String {
        let octets = value.utf8
        guard octets.allSatisfy(\.isFieldValue),
            octets.first?.isBlank != true, octets.last?.isBlank != true
        else { throw HeaderError(.invalidValue) }
        return value
    }
}
