// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The memory that compression contexts may take together, over all connections that share it.
///
/// What a connection must be able to do is reserved when the extension is agreed on: a
/// decompressor, where the peer takes context over. What it may do is asked for when it is wanted:
/// without memory to compress a message goes as it is. From any thread.
public final class CompressionBudget: Sendable {
    /// The octets that may be taken.
    public let limitBytes: Int
    private let taken = Atomic(0)

    /// A budget of `limitBytes` octets.
    public init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// The budget of 256 MiB that everything in a process shares unless it is told otherwise.
    public static let process = CompressionBudget(limitBytes: 256 << 20)

    /// The octets taken at the moment.
    public var takenBytes: Int { taken.load(ordering: .relaxed) }

    /// Takes `bytes` octets; false, and takes none, when they are not there.
    func take(_ bytes: Int) -> Bool {
        let sum = taken.add(bytes, ordering: .relaxed).newValue
        if sum <= limitBytes { return true }
        give(bytes)
        return false
    }

    /// Whether `bytes` octets are there now.
    func has(_ bytes: Int) -> Bool { takenBytes <= limitBytes - bytes }

    /// Gives back what was taken.
    func give(_ bytes: Int) { taken.subtract(bytes, ordering: .relaxed) }
}
