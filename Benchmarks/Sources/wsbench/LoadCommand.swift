// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLoad

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Puts load on one echo server and prints what it took.",
        discussion: """
            One thread keeps messages under way on all connections, each in a frame masked with a \
            key of its own, and compares every echo with what was sent. It ends with an error on \
            the first that differs.
            """)

    @Argument(help: ArgumentHelp("The echo server.", valueName: "ws://host:port/path"))
    var url: URL

    @OptionGroup var options: ShapeOptions

    @Option(help: ArgumentHelp("How long to measure.", valueName: "seconds"))
    var time = 3.0

    @Option(help: ArgumentHelp("How long to run before that.", valueName: "seconds"))
    var warmup = 0.5

    @Option(help: ArgumentHelp("End after so many echoes, if that is sooner.", valueName: "n"))
    var messages: UInt64 = 0

    @Option(help: "The core to keep this program on.")
    var core: Int?

    @Option(help: ArgumentHelp("The server's process, to say what it used.", valueName: "pid"))
    var serverPid: Int32?

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        guard time > 0, time <= 86_400, warmup >= 0, warmup <= 86_400 else {
            throw ValidationError("--time must be above 0, --warmup not below, both in seconds.")
        }
    }

    func run() throws {
        let shape = options.shape
        if let core { try pin(to: core) }
        let load = try Load(url, shape)
        if warmup > 0 { _ = try load.drive(seconds: warmup) }
        let meter = serverPid.map(ServerMeter.init)
        let before = try meter?.read()
        let tally = try load.drive(seconds: time, messages: messages)
        let after = try meter?.read()
        var result = Result(tally)
        if let before, let after { result.server = after.since(before, messages: tally.messages) }
        if json {
            print(result.json(shape))
        } else {
            print(shape)
            print(result)
            if let reason = meter?.whyNoInstructions {
                print("  instructions not counted: \(reason)")
            }
        }
    }
}

/// What each connection does.
struct Shape: Hashable, CustomStringConvertible {
    var connections: UInt32 = 64
    var depth: UInt32 = 1
    var size = 32
    var isBinary = false
    var isJSON = false
    /// Whether permessage-deflate is offered; only with JSON.
    var isCompressed = false

    var description: String {
        let kind = isBinary ? "binary" : isJSON ? "JSON" : "text"
        return "\(connections) connections, depth \(depth), \(size) octets, \(kind)"
            + (isCompressed ? ", compressed" : "")
    }
}

struct ShapeOptions: ParsableArguments {
    @Option(help: "Connections.")
    var connections: UInt32 = 64

    @Option(help: "Messages under way on each connection.")
    var depth: UInt32 = 1

    @Option(help: ArgumentHelp("Octets of payload in each message.", valueName: "octets"))
    var size = 32

    @Flag(help: "Send binary messages instead of text.")
    var binary = false

    @Flag(help: "Send JSON records that differ instead of a filler.")
    var records = false

    @Flag(help: "Send JSON records, compressed (permessage-deflate).")
    var compressed = false

    var shape: Shape {
        Shape(
            connections: connections, depth: depth, size: size, isBinary: binary,
            isJSON: records || compressed, isCompressed: compressed)
    }

    func validate() throws {
        guard (1...100_000).contains(connections), (1...65_536).contains(depth),
            (0...(1 << 30)).contains(size)
        else {
            throw ValidationError(
                "--connections takes 1 to 100000, --depth 1 to 65536, --size 0 to 1073741824.")
        }
        guard Double(connections) * Double(depth) * Double(size) <= Double(1 << 32) else {
            throw ValidationError("That is more than 4 GiB under way at a time.")
        }
    }
}

/// A URL of the form ws://host:port/path.
struct URL: ExpressibleByArgument {
    let host: String
    let port: UInt16
    let path: String

    init?(argument: String) {
        guard argument.hasPrefix("ws://") else { return nil }
        let rest = argument.dropFirst(5)
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty,
            let port = parts.count == 2 ? UInt16(parts[1]) : 80
        else { return nil }
        let path = rest.dropFirst(authority.count)
        self.init(
            host: host == "localhost" ? "127.0.0.1" : String(host), port: port,
            path: path.isEmpty ? "/" : String(path))
    }

    init(host: String, port: UInt16, path: String) {
        self.host = host
        self.port = port
        self.path = path
    }
}
