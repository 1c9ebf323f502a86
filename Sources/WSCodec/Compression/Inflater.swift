// SPDX-License-Identifier: Apache-2.0
import CZlib

/// A decompressor with its window (RFC 7692 section 7.2.2). Has one user at a time.
@safe final class Inflater {
    /// How far a step went.
    enum Outcome {
        /// So many octets were made. Fewer than there was room for: the input is used up.
        case made(Int)
        /// The octets are not DEFLATE behind what so many were made of. It is good for nothing more.
        case corrupt(Int)
        /// It is good for nothing more.
        case outOfMemory
    }

    let shape: InflateShape
    private let stream: OpaquePointer

    /// A decompressor with an empty window; nil without memory.
    init?(_ shape: InflateShape) {
        guard let stream = unsafe czlib_inflate_open(Int32(shape.windowBits)) else { return nil }
        self.shape = shape
        unsafe self.stream = stream
    }

    deinit { unsafe czlib_close(stream) }

    /// Decompresses from `payload` behind its first `position` octets as far as `room` reaches.
    @unsafe func inflate(
        _ payload: Span<UInt8>, from position: inout Int,
        into room: UnsafeMutableBufferPointer<UInt8>
    ) -> Outcome {
        var used = 0
        var made = 0
        // Safe because C reads and writes no more than the lengths say.
        let status = unsafe payload.withUnsafeBufferPointer { source in
            let rest = unsafe UnsafeBufferPointer(rebasing: source[position...])
            return unsafe czlib_inflate(
                stream, rest.baseAddress, rest.count, &used, room.baseAddress, room.count, &made)
        }
        position += used
        switch status {
        case CZLIB_OK: return .made(made)
        case CZLIB_NO_MEMORY: return .outOfMemory
        default: return .corrupt(made)
        }
    }

    /// Whether the octets so far are whole blocks, the last of which ended with an octet.
    var isBetweenBlocks: Bool { unsafe czlib_inflate_is_between_blocks(stream) != 0 }

    /// Whether the octets so far end with a block marked as the last.
    var isBehindLast: Bool { unsafe czlib_inflate_is_behind_last(stream) != 0 }

    /// Forgets the messages so far.
    func reset() { unsafe czlib_reset(stream) }
}
