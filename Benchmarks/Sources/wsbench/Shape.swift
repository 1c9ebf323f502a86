// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// When the messages of an open loop are due.
enum Arrivals: String, ExpressibleByArgument, CaseIterable {
    case constant, poisson
}

/// What each connection does.
struct Shape: Hashable, CustomStringConvertible {
    var connections: UInt32 = 64
    /// Messages under way on each connection; in an open loop the most of them.
    var depth: UInt32 = 1
    var size = 32
    var isBinary = false
    var isJSON = false
    /// Whether permessage-deflate is offered; only with JSON.
    var isCompressed = false
    /// Frames that each message is sent in.
    var fragments: UInt32 = 1
    /// Messages a second over all connections; nil for a closed loop.
    var rate: Double?
    var arrivals = Arrivals.constant
    /// What Poisson arrivals are drawn with.
    var seed: UInt64 = 1

    var description: String {
        let kind = isBinary ? "binary" : isJSON ? "JSON" : "text"
        var text =
            "\(connections) connections, \(rate == nil ? "" : "at most ")depth \(depth), "
            + "\(size) octets, \(kind)"
        if isCompressed { text += ", compressed" }
        if fragments > 1 { text += ", in \(fragments) frames" }
        if let rate {
            text += ", \(grouped(rate)) messages/s (\(arrivals.rawValue) arrivals)"
        }
        return text
    }

    /// The depth of an open loop that nobody asked for another: more than a server should need, and
    /// no more than 1 GiB in all.
    static func openDepth(connections: UInt32, octets: Double) -> UInt32 {
        UInt32(min(1024, max(1, Double(1 << 30) / (Double(connections) * octets))))
    }
}

struct ShapeOptions: ParsableArguments {
    @Option(help: "Connections; with --handshakes how many are opened at a time. (default: 64)")
    var connections: UInt32?

    @Option(
        help: """
            Messages under way on each connection; with --rate the most of them. (default: 1; with \
            --rate 1024, less where that were over 1 GiB)
            """)
    var depth: UInt32?

    @Option(
        help: ArgumentHelp(
            "Octets of payload in each message. (default: 32)", valueName: "octets"))
    var size: Int?

    @Flag(help: "Send binary messages instead of text.")
    var binary = false

    @Flag(help: "Send JSON records that differ instead of a filler.")
    var records = false

    @Flag(help: "Send JSON records, compressed (permessage-deflate).")
    var compressed = false

    @Option(
        help: ArgumentHelp(
            "Send each message in so many frames of about the same size. (default: 1)",
            valueName: "n"))
    var fragments: UInt32?

    @Option(
        help: ArgumentHelp(
            "Open loop: have so many messages due each second, over all connections.",
            valueName: "n"))
    var rate: Double?

    @Option(
        help: """
            With --rate: messages due at even distances, or at random ones that are distributed \
            exponentially. (default: constant)
            """)
    var arrivals: Arrivals?

    @Option(help: "What Poisson arrivals are drawn with. (default: 1)")
    var seed: UInt64?

    var shape: Shape {
        Shape(
            connections: connections ?? 64, depth: resolvedDepth, size: size ?? 32,
            isBinary: binary, isJSON: records || compressed, isCompressed: compressed,
            fragments: fragments ?? 1, rate: rate, arrivals: arrivals ?? .constant, seed: seed ?? 1)
    }

    private var resolvedDepth: UInt32 {
        if let depth { return depth }
        guard rate != nil else { return 1 }
        return Shape.openDepth(connections: connections ?? 64, octets: octetsPerMessage)
    }

    /// That one under way takes: its payload, the headers of its frames, and when it was due.
    private var octetsPerMessage: Double { Double(size ?? 32) + 14 * Double(fragments ?? 1) + 8 }

    func validate() throws {
        guard (1...100_000).contains(connections ?? 64), (1...65_536).contains(depth ?? 1),
            (0...(1 << 30)).contains(size ?? 32)
        else {
            throw ValidationError(
                "--connections takes 1 to 100000, --depth 1 to 65536, --size 0 to 1073741824.")
        }
        let most = compressed ? 65_536 : max(1, size ?? 32)
        guard (1...most).contains(Int(fragments ?? 1)) else {
            throw ValidationError(
                compressed
                    ? "--fragments takes 1 to 65536."
                    : "--fragments takes 1 to the octets of a message, \(size ?? 32).")
        }
        if let rate, !(0.001...100_000_000).contains(rate) {
            throw ValidationError("--rate takes 0.001 to 100000000 messages a second.")
        }
        guard rate != nil || arrivals == nil else {
            throw ValidationError("--arrivals goes with --rate.")
        }
        guard arrivals == .poisson || seed == nil else {
            throw ValidationError("--seed goes with --arrivals poisson.")
        }
        let underWay = Double(connections ?? 64) * Double(resolvedDepth) * octetsPerMessage
        guard underWay <= Double(1 << 32) else {
            throw ValidationError("That is more than 4 GiB under way at a time.")
        }
    }
}
