// SPDX-License-Identifier: Apache-2.0
import CYardstick

/// Whole frames as a client sends them, one behind the other. Made here by plain Swift, for the
/// codec is what is measured.
struct Wire {
    let frames: Int
    /// The frames, payloads masked.
    let octets: [UInt8]
    /// The payloads, not masked, one behind the other.
    let payloads: [UInt8]

    /// As much as a server may read at a time.
    private static let filled = 32 << 10

    /// Messages of `size` that fill 32 KiB or more. Keys are drawn for each frame: any ones for
    /// `isSteady: false`, those that make text of text otherwise (see `Content`).
    init(_ content: Content, _ size: MessageSize, isSteady: Bool) {
        let overhead =
            switch size {
            case .octets(let octets) where octets <= 125: 6
            case .octets(let octets) where octets > 0xFFFF: 14
            default: 8
            }
        let sizes: [Int] =
            if case .octets(let octets) = size {
                Array(
                    repeating: octets,
                    count: (Self.filled + octets + overhead - 1) / (octets + overhead))
            } else { size.sizes(filling: Self.filled) }
        var scroll = Scroll(content)
        let messages = sizes.map { size in
            [UInt8](unsafeUninitializedCapacity: size) { memory, count in
                scroll.write(to: UnsafeMutableBufferPointer(rebasing: memory[..<size]))
                count = size
            }
        }
        var random = SplitMix(state: 101)
        frames = sizes.count
        payloads = Array(messages.joined())
        octets = Self.frames(messages, isText: content.isText) { _ in
            let drawn = UInt32.random(in: 1...UInt32.max, using: &random)
            return isSteady ? drawn & 0x0101_0101 : drawn
        }
    }

    /// One whole frame for each of `payloads`, masked where `key` says so.
    static func frames(
        _ payloads: [[UInt8]], isText: Bool, key: (Int) -> UInt32?
    ) -> [UInt8] {
        var octets: [UInt8] = []
        for (index, payload) in payloads.enumerated() {
            let key = key(index)
            let mask: UInt8 = key == nil ? 0 : 0x80
            octets.append(isText ? 0x81 : 0x82)
            switch payload.count {
            case ...125: octets.append(mask | UInt8(payload.count))
            case ...0xFFFF:
                octets.append(mask | 126)
                withUnsafeBytes(of: UInt16(payload.count).bigEndian) { octets += $0 }
            default:
                octets.append(mask | 127)
                withUnsafeBytes(of: UInt64(payload.count).bigEndian) { octets += $0 }
            }
            if let key { withUnsafeBytes(of: key) { octets += $0 } }
            let start = octets.count
            octets += payload
            if let key {
                octets.withUnsafeMutableBufferPointer {
                    Self.mask(UnsafeMutableBufferPointer(rebasing: $0[start...]), key)
                }
            }
        }
        return octets
    }

    /// XORs `octets` with a key that lies in memory as on the wire.
    static func mask(_ octets: UnsafeMutableBufferPointer<UInt8>, _ key: UInt32) {
        withUnsafeBytes(of: key) { key in
            for index in octets.indices { octets[index] ^= key[index & 3] }
        }
    }
}
