// SPDX-License-Identifier: Apache-2.0
import CFrame

/// The four octets that a client XORs into the payload of a frame (RFC 6455 section 5.3).
///
/// A client takes a fresh, unpredictable key for every frame (section 10.3); the endpoint draws no
/// randomness, so the key is an argument wherever a frame is written. Servers do not mask and the
/// argument has no effect there.
public struct MaskingKey: Hashable, Sendable {
    /// The octets in wire order in memory, as `CFrame` takes them.
    let bits: UInt32

    /// The key with these octets, in wire order.
    public init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        bits = UInt32(
            bigEndian: UInt32(first) << 24 | UInt32(second) << 16 | UInt32(third) << 8
                | UInt32(fourth))
    }

    private init(bits: UInt32) { self.bits = bits }

    /// A key drawn from `generator`.
    public init(using generator: inout some RandomNumberGenerator) {
        bits = generator.next()
    }

    /// The key that leaves payloads as they are: for servers, and for tests.
    public static var zero: MaskingKey { MaskingKey(bits: 0) }
}
