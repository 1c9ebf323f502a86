// SPDX-License-Identifier: Apache-2.0

/// The ways in which TCP may cut a stream of octets into receives.
package enum Segmentation {
    /// The stream in one piece, octet by octet, in two pieces at every place, and in three at every
    /// two places if it has at most 160 octets; each passed to `body`.
    ///
    /// In streams above 2,048 octets the places are those within 20 octets of either end and of
    /// multiples of 4,096, which is where lengths and headers change.
    package static func forEach(
        of octets: [UInt8], _ body: ([ArraySlice<UInt8>]) throws -> Void
    ) rethrows {
        let count = octets.count
        try body([octets[...]])
        try body(octets.indices.map { octets[$0...$0] })
        for cut in 0..<count where count <= 2048 || isEdge(cut, count) {
            try body([octets[..<cut], octets[cut...]])
        }
        guard count <= 160, count >= 3 else { return }
        for first in 1..<count - 1 {
            for second in first + 1..<count {
                try body([octets[..<first], octets[first..<second], octets[second...]])
            }
        }
    }

    private static func isEdge(_ cut: Int, _ count: Int) -> Bool {
        let phase = cut % 4096
        return phase <= 20 || phase >= 4076 || count - cut <= 20
    }
}
