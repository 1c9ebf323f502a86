// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Writes frames (RFC 6455 section 5.2). It knows no connection: the endpoint decides what may go.
enum FrameEncoder {
    /// The longest payload of a control frame.
    static let controlPayloadMaxBytes = 125

    /// The first octet of a frame.
    static func firstOctet(
        _ opcode: Opcode, isFinal: Bool, reservedBits: ReservedBits = []
    ) -> UInt8 {
        (isFinal ? 0x80 : 0) | reservedBits.rawValue | opcode.rawValue
    }

    /// The octets that a frame with `payload` octets takes.
    static func frameSize(payload: Int, isMasked: Bool) -> Int {
        Int(cframe_frame_size(payload, isMasked ? 1 : 0))
    }

    /// Appends a frame to `output`, masked if there is a key. False, and nothing is written, if
    /// there is no room for it.
    static func encode(
        _ firstOctet: UInt8, _ payload: Span<UInt8>, key: MaskingKey?,
        into output: inout OutputSpan<UInt8>
    ) -> Bool {
        let size = frameSize(payload: payload.count, isMasked: key != nil)
        guard output.freeCapacity >= size else { return false }
        // Safe because the free capacity was just checked, and C writes exactly `size` octets.
        unsafe output.withUnsafeMutableBufferPointer { buffer, initializedCount in
            guard let start = buffer.baseAddress else { return }
            unsafe payload.withUnsafeBufferPointer { source in
                initializedCount += unsafe cframe_encode(
                    start + initializedCount, firstOctet, source.baseAddress, source.count,
                    key == nil ? 0 : 1, key?.bits ?? 0)
            }
        }
        return true
    }
}
