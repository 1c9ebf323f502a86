// SPDX-License-Identifier: Apache-2.0

/// A data message where it lies, borrowed: no copy, no allocation.
public enum MessageView: ~Escapable {
    /// A text message, known to be UTF-8.
    case text(UTF8Span)
    /// A binary message.
    case binary(RawSpan)

    /// The number of octets of the payload.
    public var count: Int {
        switch self {
        case .text(let text): text.count
        case .binary(let octets): octets.byteCount
        }
    }
}
