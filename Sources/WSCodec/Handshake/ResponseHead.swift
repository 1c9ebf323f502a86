// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// The head of an HTTP/1.x response: status line and header fields, checked against RFC 9112.
public struct ResponseHead: Sendable, Hashable {
    /// A version of HTTP that a head can have.
    public typealias Version = HTTPVersion

    /// The status with its reason phrase.
    public let status: HTTPResponse.Status
    /// The version in the status line.
    public let version: HTTPVersion
    let fields: FieldLines

    /// The number of field lines.
    public var fieldCount: Int { fields.lines.count }

    /// The value of the first field line with this name, compared without regard to case, white
    /// space around it removed. Octets that are not UTF-8 are shown as U+FFFD; `headerFields` keeps
    /// them.
    public func value(of name: String) -> String? { fields.value(of: name) }

    /// The values of all field lines with this name, in their order, as ``value(of:)`` shows them.
    public func values(of name: String) -> [String] { fields.values(of: name) }

    /// Whether the comma-separated list that the field lines with this name make together has
    /// `token` in it. Neither name nor token is sensitive to case.
    public func hasToken(_ token: String, in name: String) -> Bool {
        fields.hasToken(token, in: name)
    }

    /// All header fields, in their order. Built anew each time: dearer than parsing the head.
    public var headerFields: HTTPFields { fields.headerFields }
}
