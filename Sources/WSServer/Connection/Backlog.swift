// SPDX-License-Identifier: Apache-2.0

/// Octets that the kernel delivered while their taker was not taking: kept, counted, given first.
///
///     |   done with   |   kept   |
///     0             start      octets.count
struct Backlog {
    private var octets: [UInt8] = []
    private var start = 0

    var count: Int { octets.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: Span<UInt8>) {
        // Safe because the buffer is only read within the call.
        unsafe more.withUnsafeBufferPointer { unsafe octets.append(contentsOf: $0) }
    }

    /// Takes the kept octets out, for a taker that may leave some; `putBack` returns the rest.
    mutating func take() -> (octets: [UInt8], start: Int) {
        let taken = (octets, start)
        octets = []
        start = 0
        return taken
    }

    /// What the taker left, in front of what came meanwhile.
    mutating func putBack(_ rest: consuming [UInt8], from start: Int) {
        guard start < rest.count else { return }
        var kept = rest
        if start > 1 << 16, start > kept.count / 2 {
            kept.removeFirst(start)
            self.start = 0
        } else {
            self.start = start
        }
        kept.append(contentsOf: octets)
        octets = kept
    }

    mutating func removeAll() {
        octets = []
        start = 0
    }
}
