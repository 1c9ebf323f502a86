// SPDX-License-Identifier: Apache-2.0
import WSServer

/// What the command line decides. An option is a property here and a row of ``table``.
struct Options {
    var host = "127.0.0.1"
    var port: UInt16 = 9001
    var threads = Processors.count
    var handler = Door.async
    var backend = WebSocketServer.Backend.auto
    var maxConnections: Int?
    var maxMessageSize = 1 << 20
    var origin = OriginPolicy.sameHost
    var compression = Compression.off
    var quiet = false
    var help = false

    /// All options, in the order in which the help lists them.
    static let table: [Option] = [
        .value(
            "--host", "ADDRESS", sets: \.host, allowed: "an address",
            help: "Listen on this IPv4 or IPv6 address, or on\nlocalhost. Default: \(unset.host)"
        ) { $0 },
        .value(
            "--port", "N", sets: \.port, allowed: "a number from 0 to 65535",
            help: "Listen on this port; 0 picks a free one.\nDefault: \(unset.port)"
        ) { UInt16($0) },
        .value(
            "--threads", "N", sets: \.threads, allowed: "a number from 1 to 256",
            help: "Run so many event loops, at most 256.\nDefault: one per core"
        ) { Int($0, in: 1...256) },
        .choice(
            "--handler", sets: \.handler,
            help: "Hold conversations as asynchronous sequences,\n"
                + "or by callbacks on the loop. Default: \(unset.handler.rawValue)"),
        .choice(
            "--backend", sets: \.backend,
            help: "Use this interface of the kernel; auto is\n"
                + "io_uring, or epoll where that is refused.\nDefault: \(unset.backend.rawValue)"),
        .value(
            "--max-connections", "N", sets: \.maxConnections, allowed: "a number, at least 1",
            help: "Answer connections beyond so many with 503.\nDefault: what the limit of open "
                + "files leaves room for"
        ) { Int($0, in: 1...Int.max).map(Optional.some) },
        .value(
            "--max-message-size", "BYTES", sets: \.maxMessageSize,
            allowed: "a number of bytes, at least 1",
            help: "Close on a larger message with 1009.\nDefault: \(unset.maxMessageSize)"
        ) { Int($0, in: 1...Int.max) },
        .value(
            "--compression", "off|on|SETTING,...", sets: \.compression,
            allowed: Compression.optionForms,
            help: "Compress messages where the client offers it\n"
                + "(permessage-deflate). Settings, with defaults:\n"
                + "server_max_window_bits=12,\nclient_max_window_bits=12, level=2, mem_level=5,\n"
                + "threshold=1024, server_no_context_takeover,\nclient_no_context_takeover. "
                + "Default: off"
        ) { Compression(option: $0) },
        Option(
            names: ["--origin"], placeholder: "any|same-host|URL...", values: 1...Int.max,
            allowed: "any alone, same-host alone, or origins: scheme, host and port only, "
                + "as in https://example.com:8443",
            help: "Let in all web pages, those of the same host,\n"
                + "or those from https://example.com and the like.\nDefault: same-host",
            take: takeOrigins),
        .flag("--quiet", sets: \.quiet, help: "Print nothing but the listening line and errors."),
        .flag("--help", "-h", sets: \.help, help: "Print this."),
    ]

    private static let unset = Options()

    /// Takes the policy that `origins` stand for; gives back the first that can be none.
    @Sendable private static func takeOrigins(_ origins: [String], into options: inout Options)
        -> String?
    {
        options.origin =
            switch origins {
            case ["any"]: .any
            case ["same-host"]: .sameHost
            default: .list(origins)
            }
        guard case .list = options.origin else { return nil }
        return origins.first { !OriginPolicy.isOrigin($0) }
    }
}

extension Options {
    /// Reads the words behind the program's name. Of an option given more than once the last value
    /// counts, of a list all do. Values are not judged where help is asked for.
    init(_ words: some Sequence<String>) throws(Mistake) {
        self.init()
        var rest = Array(words)[...]
        var given: [String: [String]] = [:]
        while let word = rest.popFirst() {
            guard word.isOption else { throw Mistake("unexpected argument \(word)") }
            let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let option = Self.table.first(where: { $0.names.contains(String(halves[0])) })
            else { throw Mistake("unknown option \(halves[0])") }
            var values = halves.dropFirst().map(String.init)
            guard values.count <= option.values.upperBound else {
                throw Mistake("\(option.name) takes no value, but \(values[0]) was given")
            }
            while values.count < option.values.upperBound, let next = rest.first, !next.isOption {
                values.append(rest.removeFirst())
            }
            guard values.count >= option.values.lowerBound, !values.contains("") else {
                throw Mistake("\(option.name) needs a value: \(option.allowed)")
            }
            given[option.name, default: []] += values
        }
        help = given["--help"] != nil
        for option in Self.table where !help {
            guard let values = given[option.name], let refused = option.take(values, &self) else {
                continue
            }
            throw Mistake("\(option.name) takes \(option.allowed), not \(refused)")
        }
    }

    /// What is wrong with a command line, in one line.
    struct Mistake: Error, Equatable, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }
}

extension String {
    /// Whether the word is meant as an option. `-1` is a number, `-` a word.
    fileprivate var isOption: Bool {
        hasPrefix("-") && dropFirst().first.map { !$0.isNumber } ?? false
    }
}

extension Int {
    /// A number within bounds.
    fileprivate init?(_ text: String, in bounds: ClosedRange<Int>) {
        guard let number = Int(text), bounds.contains(number) else { return nil }
        self = number
    }
}
