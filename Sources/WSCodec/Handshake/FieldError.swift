// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// A header field of ours, not the peer's, that must not be sent.
///
/// A CR LF in a value would end the field and begin another, or a whole response of an attacker's
/// making. Such values are refused, never repaired.
public enum FieldError: Error, Hashable, Sendable {
    /// The name is no token (RFC 9110 section 5.1).
    case invalidName(String)
    /// The field with this name has CR, LF, NUL or another control octet in its value.
    case invalidValue(name: String)
    /// The field with this name is made by the library, and may not be given.
    case reservedName(String)
}

extension HTTPField {
    /// A field from strings of unknown make.
    ///
    /// Throws what `HTTPField(name:value:)` would silently turn into spaces: CR, LF, NUL and the
    /// other control octets, and white space at the ends, which no recipient would see.
    public init(checkedName name: String, value: String) throws(FieldError) {
        guard let checked = Name(name) else { throw .invalidName(name) }
        let octets = value.utf8
        guard octets.allSatisfy({ $0.isFieldValueOctet }),
            octets.first?.isWhiteSpace != true, octets.last?.isWhiteSpace != true
        else { throw .invalidValue(name: name) }
        self.init(name: checked, value: value)
    }
}

extension HTTPFields {
    /// Appends the fields as lines ending in CR LF. Throws at the first that may not be sent:
    /// invalid octets, or a lower-case name for which `isReserved` gives true.
    package func encode(
        into octets: inout [UInt8], reserving isReserved: (String) -> Bool = { _ in false }
    ) throws(FieldError) {
        for field in self {
            let name = field.name.rawName
            guard name.isToken else { throw .invalidName(name) }
            guard !isReserved(field.name.canonicalName) else { throw .reservedName(name) }
            octets.append(contentsOf: name.utf8)
            octets.append(.colon)
            octets.append(.space)
            // Safe because the buffer does not leave the closure.
            let isValid = unsafe field.withUnsafeBytesOfValue { value in
                guard unsafe value.allSatisfy({ $0.isFieldValueOctet }) else { return false }
                unsafe octets.append(contentsOf: value)
                return true
            }
            guard isValid else { throw .invalidValue(name: name) }
            octets.append(.carriageReturn)
            octets.append(.lineFeed)
        }
    }
}
