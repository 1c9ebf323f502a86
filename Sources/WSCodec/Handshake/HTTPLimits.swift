// SPDX-License-Identifier: Apache-2.0

/// What an HTTP/1.1 head may cost before it is refused.
///
/// A head is kept in memory until it is complete, so each of these bounds what one peer can make
/// us hold. All of them are checked on the octet that passes the limit.
public struct HTTPLimits: Sendable, Hashable {
    /// The longest request line or status line, in octets without its CR LF. A longer request line
    /// is answered 414 (URI Too Long). 8 KiB is what browsers and proxies are used to.
    public var requestLineMaxBytes: Int
    /// The longest head, in octets from the first of the request line to the last LF. A longer one
    /// is answered 431 (Request Header Fields Too Large).
    public var headMaxBytes: Int
    /// The most field lines in a head; one more is answered 431.
    public var fieldCountMax: Int

    /// Limits for heads; each default can be replaced. Values are held within what the parser can
    /// count: at least 0, at most 1 GiB and 65 534 field lines.
    public init(
        requestLineMaxBytes: Int = 8192, headMaxBytes: Int = 16384, fieldCountMax: Int = 100
    ) {
        self.requestLineMaxBytes = requestLineMaxBytes
        self.headMaxBytes = headMaxBytes
        self.fieldCountMax = fieldCountMax
    }

    /// The same limits, brought into the range the parser counts in: positions in a head are
    /// 32-bit, and `HTTPFields` traps at 65 535 fields.
    var clamped: HTTPLimits {
        HTTPLimits(
            requestLineMaxBytes: min(max(requestLineMaxBytes, 0), 1 << 30),
            headMaxBytes: min(max(headMaxBytes, 0), 1 << 30),
            fieldCountMax: min(max(fieldCountMax, 0), 65_534))
    }
}
