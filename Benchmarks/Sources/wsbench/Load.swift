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

    /// Different texts that are sent in turn: more than any window remembers.
    private static let textCount = 256

    init(_ url: URL, _ shape: Shape) throws {
        var failure = cload_failure()
        let texts = shape.isJSON ? Corpus.messages(Self.textCount, of: shape.size) : []
        // One allocation that holds still while C copies the texts.
        let joined = Array(texts.joined())
        let opened = joined.withUnsafeBufferPointer { octets in
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
                        options.is_binary = shape.isBinary ? 1 : 0
                        options.texts = places.baseAddress
                        options.text_count = UInt32(places.count)
                        options.compresses = shape.isCompressed ? 1 : 0
                        return cload_open(&options, &failure)
                    }
                }
            }
        }
        guard let opened else { throw Failure(failure) }
        load = opened
    }

    deinit { cload_close(load) }

    /// Drives the load for so long, or until so many echoes have come if that is not 0.
    func drive(seconds: Double, messages: UInt64 = 0) throws -> Tally {
        let tally = UnsafeMutablePointer<cload_tally>.allocate(capacity: 1)
        defer { tally.deallocate() }
        tally.initialize(to: cload_tally())
        var failure = cload_failure()
        guard cload_drive(load, UInt64(seconds * 1e9), messages, tally, &failure) == 0 else {
            throw Failure(failure)
        }
        return Tally(tally)
    }
}

/// What a stretch of driving saw; times in nanoseconds.
struct Tally {
    var messages: UInt64
    /// Octets of the echoes divided by the octets of payload they came in.
    var ratio: Double
    var elapsed: Double
    var cpu: Double
    var p50, p99, p999: Double

    init(_ tally: UnsafePointer<cload_tally>) {
        messages = tally.pointee.messages
        ratio =
            Double(tally.pointee.message_octets) / Double(max(1, tally.pointee.wire_octets))
        elapsed = Double(tally.pointee.elapsed_ns)
        cpu = Double(tally.pointee.cpu_ns)
        let latency = UnsafeRawPointer(tally).advanced(
            by: MemoryLayout<cload_tally>.offset(of: \.latency) ?? 0
        ).assumingMemoryBound(to: cload_histogram.self)
        p50 = Double(cload_histogram_quantile(latency, 0.5))
        p99 = Double(cload_histogram_quantile(latency, 0.99))
        p999 = Double(cload_histogram_quantile(latency, 0.999))
    }
}

/// Keeps this thread on one core.
func pin(to core: Int) throws {
    let error = cload_pin(CInt(clamping: core))
    guard error == 0 else { throw Failure("there is no core \(core) to run on (error \(-error))") }
}
