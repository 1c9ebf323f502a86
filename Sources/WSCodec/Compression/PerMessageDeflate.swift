// SPDX-License-Identifier: Apache-2.0

/// permessage-deflate as the two sides agreed on it (RFC 7692 section 7.1).
public struct PerMessageDeflate: Hashable, Sendable {
    /// The extension's name in the opening handshake.
    public static let extensionName = "permessage-deflate"

    /// The server's window has at most 2 to this power octets: 8 to 15.
    public internal(set) var serverMaxWindowBits = Self.windowBits.upperBound
    /// The client's window has at most 2 to this power octets: 8 to 15.
    public internal(set) var clientMaxWindowBits = Self.windowBits.upperBound
    /// Whether the server compresses each message by itself.
    public internal(set) var serverNoContextTakeover = false
    /// Whether the client compresses each message by itself.
    public internal(set) var clientNoContextTakeover = false
    /// How this side compresses, within what was agreed.
    public internal(set) var settings: DeflateSettings

    /// The window sizes that the RFC knows.
    static let windowBits = 8...15
    /// The least window that zlib compresses with.
    static let windowBitsMinToDeflate = 9

    init(settings: DeflateSettings) { self.settings = settings }
}

extension PerMessageDeflate {
    /// The octets that the contexts of one connection take at the most, for `role`: those of its
    /// own with context takeover, none without.
    public func contextBytesMax(_ role: Role) -> Int {
        deflateShape(role).ownBytes + inflateShape(role).ownBytes
    }

    /// How `role` compresses; nil where zlib cannot with so small a window: then it sends
    /// everything as it is.
    func deflateShape(_ role: Role) -> DeflateShape {
        let isServer = role == .server
        return DeflateShape(
            windowBits: isServer ? serverMaxWindowBits : clientMaxWindowBits,
            level: Self.clamp(settings.level, 1...9),
            memoryLevel: Self.clamp(settings.memoryLevel, 1...9),
            takesOver: !(isServer ? serverNoContextTakeover : clientNoContextTakeover))
    }

    /// How `role` decompresses.
    func inflateShape(_ role: Role) -> InflateShape {
        let isServer = role == .server
        // Some that were told 8 compress with 9, as zlib once did by itself.
        return InflateShape(
            windowBits: max(
                isServer ? clientMaxWindowBits : serverMaxWindowBits,
                Self.windowBitsMinToDeflate),
            takesOver: !(isServer ? clientNoContextTakeover : serverNoContextTakeover))
    }

    static func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(value, range.lowerBound), range.upperBound)
    }
}
