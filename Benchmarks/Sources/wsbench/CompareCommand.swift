// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLoad

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measures wsserve against the physical limit and other servers.",
        discussion: """
            The servers stand on one core, the load on another. They take turns, so that a change \
            of the machine's speed meets all of them. Figures are medians of the rounds; in \
            brackets stand the lower and the upper quartile. "x limit" is a server's CPU a message \
            over that of the limit in the same round: a C program on io_uring that unmasks and \
            echoes and does nothing else. "x ours" is the same over wsserve with callbacks on \
            io_uring.
            """)

    @Option(help: ArgumentHelp("The wsserve to measure.", valueName: "path"))
    var wsserve: String

    @Option(help: ArgumentHelp("The wslimit to measure beside it.", valueName: "path"))
    var wslimit: String?

    @Option(
        help: ArgumentHelp(
            """
            Another echo server. The command's words stand between spaces; it says "listening on \
            ws://HOST:PORT/" on a line of its standard output; {port} in it becomes a free port.
            """, valueName: "name=command"))
    var peer: [Peer] = []

    @Option(help: "io_uring, epoll or both.")
    var backend = "both"

    @Option(
        help: ArgumentHelp(
            "Which loads: \(NamedShape.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "a,b,..."))
    var shapes: ShapeList?

    @Option(help: "How often each is measured.")
    var rounds: Int?

    @Option(help: ArgumentHelp("How long each time.", valueName: "seconds"))
    var time: Double?

    @Flag(help: "Few short rounds of d1, d16 and records on io_uring, under two minutes in all.")
    var quick = false

    @Option(help: "The core of the servers.")
    var serverCore = 0

    @Option(help: "The core of the load.")
    var loadCore = 1

    @Flag(help: "Print a line of JSON for each measurement instead of the tables.")
    var json = false

    func validate() throws {
        guard rounds.map((1...1000).contains) ?? true, time.map({ $0 > 0 && $0 <= 3600 }) ?? true
        else { throw ValidationError("--rounds takes 1 to 1000, --time up to 3600 seconds.") }
        guard ["io_uring", "epoll", "both"].contains(backend) else {
            throw ValidationError("--backend takes io_uring, epoll or both.")
        }
    }

    func run() throws {
        let shapes = shapes?.shapes ?? (quick ? [.d1, .d16, .records] : NamedShape.allCases)
        var subjects = try startSubjects()
        do { try pin(to: loadCore) } catch {
            printError("wsbench: the load shares a core with the servers: \(error)")
        }
        let busyBefore = loadAverage()
        let seconds = time ?? (quick ? 0.6 : 1.5)
        for round in 1...(rounds ?? (quick ? 3 : 7)) {
            for name in shapes {
                for shape in name.shapes {
                    for index in subjects.indices where subjects[index].takes(shape) {
                        let result = subjects[index].measure(shape, seconds: seconds)
                        if json, let result {
                            print(
                                result.json(
                                    shape,
                                    [("server", subjects[index].name), ("shape", name.rawValue)]))
                        }
                    }
                }
            }
            printError("round \(round) done")
        }
        for subject in subjects {
            if let failure = subject.failure { printError("\(subject.name) failed: \(failure)") }
        }
        guard !json else { return }
        let comparison = Comparison(subjects: subjects)
        for name in shapes {
            for text in comparison.tables(name) { print(text + "\n") }
        }
        for doubt in comparison.doubts(busyBefore: busyBefore) { print(doubt) }
    }

    /// The limit first, then ours, then the others.
    private func startSubjects() throws -> [Subject] {
        var subjects: [Subject] = []
        if let wslimit {
            subjects.append(
                Subject(
                    Subject.limit, isOurs: false, try ServerProcess(wslimit, [], core: serverCore)))
        }
        let backends =
            quick && backend == "both"
            ? ["io_uring"] : backend == "both" ? ["io_uring", "epoll"] : [backend]
        for backend in backends {
            for handler in ["callback", "async"] {
                let options = [
                    "--handler", handler, "--backend", backend, "--compression", "on", "--port",
                    "0", "--threads", "1", "--quiet",
                ]
                subjects.append(
                    Subject(
                        "\(handler), \(backend)", isOurs: true,
                        try ServerProcess(wsserve, options, core: serverCore)))
            }
        }
        for peer in peer {
            do {
                subjects.append(
                    Subject(
                        peer.name, isOurs: false,
                        try ServerProcess(command: peer.command, core: serverCore)))
            } catch {
                printError("\(peer.name) is left out: \(error)")
            }
        }
        return subjects
    }
}

/// A server by somebody else.
struct Peer: ExpressibleByArgument {
    let name: String
    let command: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "=") else { return nil }
        name = String(argument[..<equals])
        command = String(argument[argument.index(after: equals)...])
        guard !name.isEmpty, !command.isEmpty else { return nil }
    }
}

/// The loads that servers are compared by.
enum NamedShape: String, CaseIterable {
    case d1, d16, c1000, c1
    case kib16 = "16k"
    case mib1 = "1m"
    case records

    var shapes: [Shape] {
        switch self {
        case .d1: [Shape()]
        case .d16: [Shape(depth: 16)]
        case .c1000: [Shape(connections: 1000)]
        case .c1: [Shape(connections: 1)]
        case .kib16: [Shape(size: 16 * 1024, isBinary: true)]
        case .mib1: [Shape(connections: 4, size: 1 << 20, isBinary: true)]
        case .records:
            [1024, 16 * 1024].flatMap { size in
                [false, true].map {
                    Shape(depth: 4, size: size, isJSON: true, isCompressed: $0)
                }
            }
        }
    }
}

struct ShapeList: ExpressibleByArgument {
    let shapes: [NamedShape]

    init?(argument: String) {
        let names = argument.split(separator: ",").map { NamedShape(rawValue: String($0)) }
        shapes = names.compactMap { $0 }
        guard shapes.count == names.count, !shapes.isEmpty else { return nil }
    }
}
