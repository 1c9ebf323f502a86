// SPDX-License-Identifier: Apache-2.0

/// The octets so far of a message that is being decompressed.
///
/// Kept in pieces as they were made and joined once: an array that doubles would hold up to three
/// times as much, and how much there will be only the last piece tells.
struct InflatedMessage {
    private var pieces: [[UInt8]] = []
    private var last: [UInt8] = []
    private var joined = 0

    /// A piece is closed when it has so many octets.
    private static let pieceBytes = 64 * 1024

    var count: Int { joined + last.count }

    /// Appends the octets of one step.
    @unsafe mutating func append(_ octets: UnsafeBufferPointer<UInt8>) {
        if last.count + octets.count > Self.pieceBytes {
            joined += last.count
            pieces.append(last)
            last = []
        }
        unsafe last.append(contentsOf: octets)
    }

    /// Takes the message out.
    mutating func finish() -> [UInt8] {
        defer { self = InflatedMessage() }
        guard !pieces.isEmpty else { return last }
        var whole: [UInt8] = []
        whole.reserveCapacity(count)
        for piece in pieces { whole.append(contentsOf: piece) }
        whole.append(contentsOf: last)
        return whole
    }
}
