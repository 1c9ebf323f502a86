// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// A request head that breaks HTTP/1.1 (RFC 9112), or a limit.
///
/// Nothing after such a head can be trusted to begin where it seems to: answer `status`, close the
/// connection, and read nothing more.
public struct RequestError: Error, Hashable, Sendable {
    /// What is wrong with the head.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An octet in the method that no token has; a TLS hello on a plain port ends here.
        case invalidMethod
        /// CONNECT, which only a proxy serves.
        case connectNotSupported
        /// A request-target of no known form, or with an octet that no target has.
        case invalidTarget
        /// Something other than `HTTP/` digit `.` digit where the version stands.
        case invalidVersion
        /// A version of HTTP other than 1.0 and 1.1, the preface of HTTP/2 among them.
        case unsupportedVersion
        /// A request line longer than the limit.
        case requestLineTooLong
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
        /// No Host in an HTTP/1.1 request (RFC 9112 section 3.2).
        case missingHost
        /// More than one Host.
        case duplicateHost
        /// A Host that is not a host with an optional port.
        case invalidHost
        /// A Content-Length that is not a number we can count to.
        case invalidContentLength
        /// More than one Content-Length, equal or not.
        case duplicateContentLength
        /// Content-Length beside Transfer-Encoding (RFC 9112 section 6.3).
        case contentLengthWithTransferEncoding
        /// A Transfer-Encoding that does not end in `chunked`, or has it twice: the end of the body
        /// cannot be known.
        case invalidTransferEncoding
        /// A transfer coding other than `chunked`.
        case unsupportedTransferEncoding
        /// Transfer-Encoding in an HTTP/1.0 request, which has none.
        case transferEncodingInHTTP10
    }

    /// What is wrong with the head.
    public let kind: Kind

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// The status to answer with.
    public var status: HTTPResponse.Status {
        switch kind {
        case .requestLineTooLong: .uriTooLong
        case .tooManyFields, .headTooLarge: .requestHeaderFieldsTooLarge
        case .connectNotSupported, .unsupportedTransferEncoding: .notImplemented
        case .unsupportedVersion: .httpVersionNotSupported
        default: .badRequest
        }
    }
}

extension RequestError: CustomStringConvertible {
    /// The violation's name and the status, for a log.
    public var description: String { "\(kind.rawValue) (\(status.code))" }
}
