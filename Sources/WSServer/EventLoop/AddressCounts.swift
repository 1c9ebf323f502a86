// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How many connections each address has, over all loops of a server that limits them.
final class AddressCounts: Sendable {
    private let countMax: Int
    private let counts = Mutex<[UInt64: Int]>([:])

    init(countMax: Int) { self.countMax = countMax }

    /// Counts a connection of `network`; false, and does not, when it has as many as it may.
    func take(_ network: UInt64) -> Bool {
        counts.withLock { counts in
            let count = counts[network, default: 0]
            guard count < countMax else { return false }
            counts[network] = count + 1
            return true
        }
    }

    /// One of `network`'s connections is gone.
    func give(_ network: UInt64) {
        counts.withLock { counts in
            guard let count = counts[network] else { return }
            counts[network] = count > 1 ? count - 1 : nil
        }
    }
}
