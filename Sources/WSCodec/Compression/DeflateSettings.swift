// SPDX-License-Identifier: Apache-2.0

/// What one side wants of permessage-deflate, and how it compresses. The peer may narrow windows
/// and forbid context takeover (RFC 7692 section 7.1); it cannot widen or demand either.
///
/// Memory is what the settings are about. A context is a window with what belongs to it; with
/// context takeover a connection keeps one for each direction, which at the defaults takes 38 KiB
/// to compress and 12 KiB to decompress, or 40 KiB for a client that does not let its window be
/// limited. Without takeover contexts are shared by the connections of a ``CompressionPool``.
///
/// **Secrets.** Compressed lengths tell how alike two things are. Where text of an attacker's
/// choice is compressed in one context with a secret, guesses at the secret show in the lengths:
/// do not compress such messages (`compress: false`), or use no context takeover and keep the two
/// in different messages (RFC 7692 section 8).
public struct DeflateSettings: Hashable, Sendable {
    /// The server's window is at most 2 to this power octets: 9 to 15. What is out of range counts
    /// as the nearest that is not, here and below.
    public var serverMaxWindowBits: Int
    /// The client's window is at most 2 to this power octets: 9 to 15. A server can limit it only
    /// if the client offers that.
    public var clientMaxWindowBits: Int
    /// Whether the server may refer to earlier messages. Better ratios, for memory.
    public var serverContextTakeover: Bool
    /// Whether the client may refer to earlier messages.
    public var clientContextTakeover: Bool
    /// zlib's effort when compressing: 1 (fastest) to 9 (smallest). The default, 2, came out of
    /// measurement: of JSON records it makes 3 % less than 1 in about the same time; from 4 on a
    /// tenth less costs a fifth of the time and more.
    public var level: Int
    /// zlib's memory for compressing: 2 to this power, times 512 octets; 1 to 9.
    public var memoryLevel: Int
    /// Shorter messages, in octets, are sent as they are, unless the sender asks for compression.
    public var thresholdBytes: Int

    /// Settings with the given values.
    public init(
        serverMaxWindowBits: Int = 12, clientMaxWindowBits: Int = 12,
        serverContextTakeover: Bool = true, clientContextTakeover: Bool = true,
        level: Int = 2, memoryLevel: Int = 5, thresholdBytes: Int = 1024
    ) {
        self.serverMaxWindowBits = serverMaxWindowBits
        self.clientMaxWindowBits = clientMaxWindowBits
        self.serverContextTakeover = serverContextTakeover
        self.clientContextTakeover = clientContextTakeover
        self.level = level
        self.memoryLevel = memoryLevel
        self.thresholdBytes = thresholdBytes
    }
}
