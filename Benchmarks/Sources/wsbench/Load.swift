// SPDX-License-Identifier: Apache-2.0
import CLoad

/// What stopped a measurement, in words.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(_ failure: cload_failure) {
        var text = failure.text
        description = withUnsafeBytes(of: &text) { octets in
            String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// Connections to one server, and the messages under way on them.
final class Load {
    private let load: OpaquePointer
    private let rate: Double?

    /// Different texts that are sent in turn: more than any window remembers.
    private static let textCount = 256

    /// Opens all connections.
    convenience init(_ url: URL, _ shape: Shape) throws {
        try self.init(unconnected: url, shape)
        _ = try connect(shape.connections)
    }

    /// Opens none yet.
    init(unconnected url: URL, _ shape: Shape) throws {
        var failure = cload_failure()
        let texts = shape.isJSON ? Corpus.messages(Self.textCount, of: shape.size) : []
        // One allocation that holds still while C copies the texts.
        let joined = Array(texts.joined())
        let created = joined.withUnsafeBufferPointer { octets in
            let places = texts.indices.map { index in
                cload_text(
                    octets: octets.baseAddress.map { $0 + index * shape.size }, size: shape.size)
            }
            return url.host.withCString { host in
                url.path.withCString { path in
                    places.withUnsafeBufferPointer { places in
                        var options = cload_options()
                        options.host = host
                        options.path = path
                        options.port = url.port
                        options.connections = shape.connections
                        options.depth = shape.depth
                        options.size = shape.size
                        options.fragments = shape.fragments
                        options.is_binary = shape.isBinary ? 1 : 0
                        options.texts = places.baseAddress
                        options.text_count = UInt32(places.count)
                        options.compresses = shape.isCompressed ? 1 : 0
                        options.rate = shape.rate ?? 0
                        options.is_poisson = shape.arrivals == .poisson ? 1 : 0
                        options.seed = shape.seed
                        return cload_create(&options, &failure)
                    }
                }
            }
        }
        guard let created else { throw Failure(failure) }
        load = created
        rate = shape.rate
    }

    deinit { cload_close(load) }

    /// Opens connections until there are so many.
    func connect(_ connections: UInt32) throws -> Handshakes {
        var tally = cload_tally()
        let latencies = Latencies()
        try latencies.recording(to: &tally) { tally in
            try check { cload_connect(load, connections, &tally, &$0) }
        }
        return Handshakes(tally, latencies.summary)
    }

    /// Drives the load for so long, or until so many echoes have come if that is not 0.
    func drive(
        seconds: Double, messages: UInt64 = 0, progress: Progress? = nil
    ) throws -> Tally {
        let (tally, latency) = try inSlices(seconds, progress, count: \.messages) { slice, tally in
            try check { cload_drive(load, slice, messages, &tally, &$0) }
            return messages == 0 || tally.messages < messages
        }
        return Tally(tally, latency, rate: rate)
    }

    /// Waits for the echoes under way, so that none goes unchecked.
    func drain() throws {
        var tally = cload_tally()
        try check { cload_drain(load, &tally, &$0) }
    }

    /// Exchanges a message on each connection that has not sent any.
    func touch() throws {
        var tally = cload_tally()
        try check { cload_touch(load, &tally, &$0) }
    }

    /// Leaves the connections alone for so long.
    func rest(seconds: Double) throws {
        try check { cload_rest(load, UInt64(seconds * 1e9), &$0) }
    }

    /// Opens and resets connections for so long.
    func knock(seconds: Double, progress: Progress? = nil) throws -> Handshakes {
        let (tally, latency) = try inSlices(seconds, progress, count: \.handshakes) {
            slice, tally in
            try check { cload_knock(load, slice, &tally, &$0) }
            return true
        }
        return Handshakes(tally, latency)
    }

    /// Calls `body` with nanoseconds until `seconds` are over or it returns false: once, or as often
    /// as progress is to be told.
    private func inSlices(
        _ seconds: Double, _ progress: Progress?, count: KeyPath<cload_tally, UInt64>,
        _ body: (UInt64, inout cload_tally) throws -> Bool
    ) throws -> (cload_tally, Latency) {
        let all = UInt64(seconds * 1e9)
        var tally = cload_tally()
        let latencies = Latencies()
        try latencies.recording(to: &tally) { tally in
            var goesOn = true
            while goesOn, tally.elapsed_ns < all {
                let before = tally
                let left = all - tally.elapsed_ns
                goesOn = try body(min(left, progress?.interval ?? left), &tally)
                progress?.tell(
                    elapsed: tally.elapsed_ns, of: all,
                    perSecond: Double(tally[keyPath: count] - before[keyPath: count])
                        / Double(max(1, tally.elapsed_ns - before.elapsed_ns)) * 1e9)
            }
        }
        return (tally, latencies.summary)
    }

    private func check(_ call: (inout cload_failure) -> CInt) throws {
        var failure = cload_failure()
        guard call(&failure) == 0 else { throw Failure(failure) }
    }
}

/// Keeps this thread on one core.
func pin(to core: Int) throws {
    let error = cload_pin(CInt(clamping: core))
    guard error == 0 else { throw Failure("there is no core \(core) to run on (error \(-error))") }
}
