// SPDX-License-Identifier: Apache-2.0

/// What an endpoint takes from its peer before it closes with 1009 (RFC 6455 section 10.4).
///
/// Limits hold on what is declared as well as on what arrives: a frame header that announces too
/// much is refused at once, and nothing is allocated for it.
public struct Limits: Hashable, Sendable {
    /// The longest message, in octets of payload summed over its fragments. 1 MiB by default.
    public var messageSizeMaxBytes: Int

    /// The longest single frame, in octets of payload. By default only the message's limit holds.
    public var frameSizeMaxBytes: Int

    /// The most fragments of one message, empty ones counted. 131,072 by default: fragments are
    /// assembled into one buffer, so that the number bounds work, not memory.
    public var fragmentCountMax: Int

    /// Limits with the given values; a negative one counts as 0.
    public init(
        messageSizeMaxBytes: Int = 1 << 20,
        frameSizeMaxBytes: Int = .max,
        fragmentCountMax: Int = 131_072
    ) {
        self.messageSizeMaxBytes = messageSizeMaxBytes
        self.frameSizeMaxBytes = frameSizeMaxBytes
        self.fragmentCountMax = fragmentCountMax
    }
}
