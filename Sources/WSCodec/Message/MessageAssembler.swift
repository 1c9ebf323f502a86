// SPDX-License-Identifier: Apache-2.0

/// The payload so far of a message that comes in parts, in one contiguous array.
///
/// It grows with octets received, never by a length that was only declared, and by doubling: it
/// takes at most twice the octets received.
struct MessageAssembler: ~Copyable {
    private var payload: [UInt8] = []

    /// Whether no octet has come.
    var isEmpty: Bool { payload.isEmpty }

    /// The octets that memory is held for.
    var capacity: Int { payload.capacity }

    /// Appends the octets at `range`.
    mutating func append(_ range: Range<Int>, of octets: Span<UInt8>) {
        // Safe because `extracting` checks the range.
        unsafe octets.extracting(range).withUnsafeBufferPointer { part in
            unsafe payload.append(contentsOf: part)
        }
    }

    /// Takes the assembled payload out.
    mutating func finish() -> [UInt8] {
        let whole = payload
        payload = []
        return whole
    }
}
