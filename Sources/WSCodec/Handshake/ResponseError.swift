// SPDX-License-Identifier: Apache-2.0

/// A response head that breaks HTTP/1.1 (RFC 9112), or a limit. Close the connection.
public struct ResponseError: Error, Hashable, Sendable {
    /// What is wrong with the head.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Something other than `HTTP/` digit `.` digit where the version stands.
        case invalidVersion
        /// A version of HTTP other than 1.0 and 1.1.
        case unsupportedVersion
        /// A status that is not three digits from 100 on.
        case invalidStatus
        /// A control octet in the reason phrase.
        case invalidReasonPhrase
        /// A status line longer than the limit.
        case statusLineTooLong
        /// CR without LF behind it (RFC 9112 section 2.2).
        case bareCarriageReturn
        /// A line ended by LF alone.
        case bareLineFeed
        /// A line that begins with white space (RFC 9112 section 5.2).
        case obsoleteFolding
        /// White space between a field's name and the colon (RFC 9112 section 5.1).
        case spaceBeforeColon
        /// A field name that is empty or not a token.
        case invalidFieldName
        /// A control octet in a field value.
        case invalidFieldValue
        /// More field lines than the limit.
        case tooManyFields
        /// A head longer than the limit.
        case headTooLarge
    }

    /// What is wrong with the head.
    public let kind: Kind

    init(_ kind: Kind) {
        self.kind = kind
    }

    init(fieldLine error: FieldLineError) {
        switch error {
        case .bareCarriageReturn: kind = .bareCarriageReturn
        case .bareLineFeed: kind = .bareLineFeed
        case .obsoleteFolding: kind = .obsoleteFolding
        case .spaceBeforeColon: kind = .spaceBeforeColon
        case .invalidFieldName: kind = .invalidFieldName
        case .invalidFieldValue: kind = .invalidFieldValue
        case .tooManyFields: kind = .tooManyFields
        case .headTooLarge: kind = .headTooLarge
        }
    }
}

extension ResponseError: CustomStringConvertible {
    /// The violation's name, for a log.
    public var description: String { kind.rawValue }
}
