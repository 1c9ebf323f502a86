// SPDX-License-Identifier: Apache-2.0
import CZlib

/// What sort of compressor a side uses: streams of one shape can stand in for each other.
struct DeflateShape: Hashable, Sendable {
    var windowBits: Int
    var level: Int
    var memoryLevel: Int
    /// Whether a connection keeps its own, to refer to earlier messages.
    var takesOver: Bool

    /// Whether zlib compresses with so small a window.
    var isPossible: Bool { windowBits >= PerMessageDeflate.windowBitsMinToDeflate }

    /// The octets that one takes at the most.
    var bytes: Int { Int(czlib_deflate_memory(Int32(windowBits), Int32(memoryLevel))) }

    /// The octets that a connection of its own accord keeps.
    var ownBytes: Int { takesOver && isPossible ? bytes : 0 }
}

/// What sort of decompressor a side uses.
struct InflateShape: Hashable, Sendable {
    var windowBits: Int
    /// Whether a connection keeps its own, as the peer refers to earlier messages.
    var takesOver: Bool

    /// The octets that one takes at the most.
    var bytes: Int { Int(czlib_inflate_memory(Int32(windowBits))) }

    /// The octets that a connection of its own accord keeps.
    var ownBytes: Int { takesOver ? bytes : 0 }
}
