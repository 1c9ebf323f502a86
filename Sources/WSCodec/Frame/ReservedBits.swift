// SPDX-License-Identifier: Apache-2.0

/// The bits of a frame's first octet that extensions give a meaning to (RFC 6455 section 5.2).
struct ReservedBits: OptionSet, Sendable {
    /// The bits where they stand in the first octet.
    let rawValue: UInt8

    /// A message compressed by permessage-deflate (RFC 7692 section 6).
    static let rsv1 = ReservedBits(rawValue: 0x40)
    /// Without a use as yet.
    static let rsv2 = ReservedBits(rawValue: 0x20)
    /// Without a use as yet.
    static let rsv3 = ReservedBits(rawValue: 0x10)
}
