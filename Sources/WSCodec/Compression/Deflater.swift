// SPDX-License-Identifier: Apache-2.0
import CZlib

/// A compressor with its window (RFC 7692 section 7.2.1). Has one user at a time.
@safe final class Deflater {
    let shape: DeflateShape
    private let stream: OpaquePointer

    /// A compressor with an empty window; nil without memory.
    init?(_ shape: DeflateShape) {
        guard
            let stream = unsafe czlib_deflate_open(
                Int32(shape.level), Int32(shape.windowBits), Int32(shape.memoryLevel))
        else { return nil }
        self.shape = shape
        unsafe self.stream = stream
    }

    deinit { unsafe czlib_close(stream) }

    /// Appends `payload`, compressed, to `output`, up to and with an empty stored block, behind
    /// which the peer has all of it. False without memory; then it is good for nothing more.
    func deflate(_ payload: Span<UInt8>, into output: inout [UInt8], by scratch: Scratch) -> Bool {
        var position = 0
        // Safe because C reads and writes no more than the lengths say.
        return unsafe payload.withUnsafeBufferPointer { source in
            while true {
                var used = 0
                var made = 0
                let rest = unsafe UnsafeBufferPointer(rebasing: source[position...])
                let room = unsafe scratch.memory
                let status = unsafe czlib_deflate(
                    stream, CZLIB_FLUSH, rest.baseAddress, rest.count, &used, room.baseAddress,
                    room.count, &made)
                guard status == CZLIB_OK else { return false }
                position += used
                unsafe output.append(contentsOf: room[..<made])
                if made < room.count { return true }
            }
        }
    }

    /// Forgets the messages so far, so that the next refers to none of them.
    func reset() { unsafe czlib_reset(stream) }
}
