// SPDX-License-Identifier: Apache-2.0

/// Compression contexts that the connections of one thread take by turns, and the budget they come
/// out of.
///
/// A connection without context takeover borrows a context for a message; a few that nobody has
/// are kept for the next. Not for use from two threads at once: a server has one per event loop.
public final class CompressionPool {
    /// What all contexts are taken from, those of connections and those kept here.
    public let budget: CompressionBudget
    let scratch = Scratch()
    private var output: [UInt8] = []
    /// What this pool has taken from the budget.
    private var takenBytes = 0
    private var deflaters: [Deflater] = []
    private var inflaters: [Inflater] = []

    /// How many contexts of each kind are kept.
    private static let kept = 4

    /// An empty pool.
    public init(budget: CompressionBudget = .process) { self.budget = budget }

    deinit { budget.give(takenBytes) }

    /// The octets of the contexts that nobody has at the moment.
    public var idleBytes: Int {
        deflaters.reduce(0) { $0 + $1.shape.bytes } + inflaters.reduce(0) { $0 + $1.shape.bytes }
    }

    /// The octets that connections have, or have reserved.
    public var usedBytes: Int { takenBytes - idleBytes }

    /// Takes `bytes` octets from the budget; false when they are not there.
    func take(_ bytes: Int) -> Bool {
        guard budget.take(bytes) else { return false }
        takenBytes += bytes
        return true
    }

    /// Gives them back.
    func give(_ bytes: Int) {
        budget.give(bytes)
        takenBytes -= bytes
    }

    /// An empty array for what is being compressed, with the memory of the last one.
    func takeOutput() -> [UInt8] {
        let taken = output
        output = []
        return taken
    }

    /// Takes its memory back, if it is not too much to keep.
    func give(_ used: consuming [UInt8]) {
        guard used.capacity <= 1 << 16 else { return }
        used.removeAll(keepingCapacity: true)
        output = used
    }

    /// A compressor with an empty window; nil when the budget or the allocator refuses.
    func takeDeflater(_ shape: DeflateShape) -> Deflater? {
        if let index = deflaters.lastIndex(where: { $0.shape == shape }) {
            return deflaters.remove(at: index)
        }
        guard take(shape.bytes) else { return nil }
        if let made = Deflater(shape) { return made }
        give(shape.bytes)
        return nil
    }

    /// Takes a compressor back that is as good as new once it is reset.
    func give(_ deflater: Deflater) {
        guard deflaters.count < Self.kept, !deflater.shape.takesOver else {
            return drop(deflater)
        }
        deflater.reset()
        deflaters.append(deflater)
    }

    /// Does away with a compressor.
    func drop(_ deflater: Deflater) { give(deflater.shape.bytes) }

    /// A decompressor with an empty window; nil when the budget or the allocator refuses. The budget
    /// is not asked for one that takes context over: its connection has reserved it.
    func takeInflater(_ shape: InflateShape) -> Inflater? {
        if shape.takesOver { return Inflater(shape) }
        if let index = inflaters.lastIndex(where: { $0.shape == shape }) {
            return inflaters.remove(at: index)
        }
        guard take(shape.bytes) else { return nil }
        if let made = Inflater(shape) { return made }
        give(shape.bytes)
        return nil
    }

    /// Takes a decompressor back that is as good as new once it is reset.
    func give(_ inflater: Inflater) {
        guard inflaters.count < Self.kept, !inflater.shape.takesOver else {
            return drop(inflater)
        }
        inflater.reset()
        inflaters.append(inflater)
    }

    /// Does away with a decompressor.
    func drop(_ inflater: Inflater) {
        if !inflater.shape.takesOver { give(inflater.shape.bytes) }
    }
}
