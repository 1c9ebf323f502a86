// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measures the ways to run wsserve against each other and the physical limit.",
        discussion: """
            The servers stand on one core, the load on another. They take turns, so that a change \
            of the machine's speed meets all of them; what is printed is the median of the rounds. \
            First come short messages, then JSON records, plain and compressed. "x limit" is the \
            median of a server's CPU over that of the limit in the same round: a C program on \
            io_uring that unmasks and echoes and does nothing else.
            """)

    @Option(help: ArgumentHelp("The wsserve to measure.", valueName: "path"))
    var wsserve: String

    @Option(help: ArgumentHelp("The wslimit to measure beside it.", valueName: "path"))
    var wslimit: String?

    @Option(help: "io_uring, epoll or both.")
    var backend = "both"

    @Option(help: "Octets of payload in each message.")
    var size = 32

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: ArgumentHelp("How long each time.", valueName: "seconds"))
    var time = 2.0

    @Flag(help: "Three short rounds, a minute in all.")
    var quick = false

    @Option(help: "The core of the servers.")
    var serverCore = 0

    @Option(help: "The core of the load.")
    var loadCore = 1

    @Flag(help: "Print a line of JSON for each measurement instead of the table.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(rounds), time > 0, time <= 3600 else {
            throw ValidationError("--rounds takes 1 to 1000, --time up to 3600 seconds.")
        }
        guard ["io_uring", "epoll", "both"].contains(backend) else {
            throw ValidationError("--backend takes io_uring, epoll or both.")
        }
    }

    func run() throws {
        let short = [1, 16].map { Shape(connections: 64, depth: $0, size: size) }
        let records = [1024, 16 * 1024].flatMap { size in
            [false, true].map {
                Shape(
                    connections: 64, depth: 4, size: size, isJSON: true, isCompressed: $0)
            }
        }
        let backends = backend == "both" ? ["io_uring", "epoll"] : [backend]
        var subjects = try backends.flatMap { backend in
            try ["callback", "async"].map {
                try Subject(
                    name: "\($0), \(backend)", wsserve,
                    ["--handler", $0, "--backend", backend, "--compression", "on"]
                        + Subject.wsserveOptions, core: serverCore)
            }
        }
        if let wslimit {
            subjects.insert(try Subject(name: Subject.limit, wslimit, core: serverCore), at: 0)
        }
        do { try pin(to: loadCore) } catch {
            printError("wsbench: the load shares a core with the servers: \(error)")
        }
        for round in 1...(quick ? 3 : rounds) {
            for shape in short + records {
                // The limit knows no compression, and shows nothing on records that texts do not.
                for index in subjects.indices
                where !shape.isJSON || subjects[index].name != Subject.limit {
                    let result = try subjects[index].measure(shape, seconds: quick ? 0.8 : time)
                    if json { print(result.json(shape, [("server", subjects[index].name)])) }
                }
            }
            printError("round \(round) done, load average \(loadAverage())")
        }
        guard !json else { return }
        print("64 connections, \(size) octets of text; medians")
        print(table(short, subjects).rows)
        print("\n64 connections, JSON records, plain and with the server's default compression")
        print(recordTable(records, subjects.filter { $0.name != Subject.limit }).rows)
        if isCrowded(subjects) {
            print(
                "the machine was busy: neither server nor load had a core to itself, so rates and "
                    + "latencies say little, CPU a message more")
        }
        if let reason = subjects.first?.server.meter.whyNoInstructions {
            print("instructions not counted: \(reason)")
        }
    }

    private func table(_ shapes: [Shape], _ subjects: [Subject]) -> Table {
        var columns: [Column] = [
            ("messages/s", \.messagesPerSecond, grouped),
            ("CPU ns/msg", \.server?.cpu, grouped),
            ("user", \.server?.userShare, percent),
            ("p50 µs", \.tally.p50, microseconds),
            ("p99 µs", \.tally.p99, microseconds),
            ("p99.9 µs", \.tally.p999, microseconds),
            ("load CPU", { $0.tally.cpu / $0.tally.elapsed }, percent),
        ]
        if subjects.allSatisfy({ $0.server.meter.whyNoInstructions == nil }) {
            columns.insert(("user ins/msg", \.server?.instructions?.user, grouped), at: 3)
            columns.insert(("kernel ins/msg", \.server?.instructions?.kernel, grouped), at: 4)
        }
        let limit = subjects.first { $0.name == Subject.limit }
        var table = Table(
            ["server", "depth"] + columns.map(\.name) + ["CPU ns/msg from-to", "x limit"])
        for shape in shapes {
            for subject in subjects {
                let results = subject.results[shape] ?? []
                let medians = columns.map { column in
                    results.compactMap(column.value).median.map(column.text) ?? "-"
                }
                let cpu = results.compactMap { $0.server?.cpu }
                let spread = "\(grouped(cpu.min() ?? 0))-\(grouped(cpu.max() ?? 0))"
                table.add(
                    [subject.name, "\(shape.depth)"] + medians
                        + [spread, subject.timesCPU(of: limit, shape)])
            }
        }
        return table
    }

    private func recordTable(_ shapes: [Shape], _ subjects: [Subject]) -> Table {
        var table = Table([
            "server", "octets", "messages/s", "CPU ns/msg", "of plain", "ratio", "p50 µs",
            "p99 µs", "load CPU",
        ])
        for (shape, index) in zip(shapes, shapes.indices) {
            for subject in subjects {
                func median(_ shape: Shape, _ value: (Result) -> Double?) -> Double {
                    (subject.results[shape] ?? []).compactMap(value).median ?? 0
                }
                let cpu = median(shape, \.server?.cpu)
                let plain = median(shapes[index - index % 2], \.server?.cpu)
                table.add([
                    subject.name, "\(shape.size)" + (shape.isCompressed ? " compressed" : ""),
                    grouped(median(shape, \.messagesPerSecond)), grouped(cpu),
                    fixed(cpu / max(1, plain), 1), fixed(median(shape, \.tally.ratio), 2),
                    microseconds(median(shape, \.tally.p50)),
                    microseconds(median(shape, \.tally.p99)),
                    percent(median(shape) { $0.tally.cpu / $0.tally.elapsed }),
                ])
            }
        }
        return table
    }

    /// Whether in most measurements both sides waited for something other than each other.
    private func isCrowded(_ subjects: [Subject]) -> Bool {
        let results = subjects.flatMap { $0.results.values.joined() }
        let crowded = results.count { result in
            let busy = (result.server?.cpu ?? 0) * Double(result.tally.messages)
            return max(busy, result.tally.cpu) < 0.8 * result.tally.elapsed
        }
        return crowded * 2 > results.count
    }

    private typealias Column = (
        name: String, value: (Result) -> Double?, text: (Double) -> String
    )
}

/// A server that is measured, and what was found.
struct Subject {
    let name: String
    let server: ServerProcess
    private(set) var results: [Shape: [Result]] = [:]

    static let limit = "limit"
    static let wsserveOptions = ["--port", "0", "--threads", "1", "--quiet"]

    init(name: String, _ program: String, _ arguments: [String] = [], core: Int) throws {
        self.name = name
        server = try ServerProcess(program, arguments, core: core)
    }

    /// The median of the CPU a message over that of `other` in the same round.
    func timesCPU(of other: Subject?, _ shape: Shape) -> String {
        guard let theirs = other?.results[shape], let ours = results[shape] else { return "-" }
        let ratios = zip(ours, theirs).compactMap { ours, theirs -> Double? in
            guard let ours = ours.server?.cpu, let theirs = theirs.server?.cpu else { return nil }
            return ours / max(1, theirs)
        }
        return ratios.median.map { fixed($0, 2) } ?? "-"
    }

    mutating func measure(_ shape: Shape, seconds: Double) throws -> Result {
        let load = try Load(server.echo, shape)
        _ = try load.drive(seconds: min(0.5, seconds / 4))
        let before = try server.meter.read()
        let tally = try load.drive(seconds: seconds)
        var result = Result(tally)
        result.server = try server.meter.read().since(before, messages: tally.messages)
        results[shape, default: []].append(result)
        return result
    }
}

extension [Double] {
    /// The middle one, or the mean of the two in the middle; nil when there is none.
    var median: Double? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        return (sorted[count / 2] + sorted[(count - 1) / 2]) / 2
    }
}
