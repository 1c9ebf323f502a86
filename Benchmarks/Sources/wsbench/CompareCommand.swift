// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measures the ways to run wsserve against each other.",
        discussion: """
            The servers stand on one core, the load on another. They take turns, so that a change \
            of the machine's speed meets all of them; what is printed is the median of the rounds. \
            First come short messages, then JSON records, plain and compressed.
            """)

    @Option(help: ArgumentHelp("The wsserve to measure.", valueName: "path"))
    var wsserve: String

    @Option(help: "auto, io_uring or epoll.")
    var backend = "auto"

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
    }

    func run() throws {
        let short = [1, 16].map { Shape(connections: 64, depth: $0, size: size) }
        let records = [1024, 16 * 1024].flatMap { size in
            [false, true].map {
                Shape(
                    connections: 64, depth: 4, size: size, isJSON: true, isCompressed: $0)
            }
        }
        var subjects = try ["async", "callback"].map {
            try Subject(
                name: $0, wsserve, ["--handler", $0, "--backend", backend, "--compression", "on"],
                core: serverCore)
        }
        do { try pin(to: loadCore) } catch {
            printError("wsbench: the load shares a core with the servers: \(error)")
        }
        for round in 1...(quick ? 3 : rounds) {
            for shape in short + records {
                for index in subjects.indices {
                    let result = try subjects[index].measure(shape, seconds: quick ? 0.8 : time)
                    if json { print(result.json(shape, [("handler", subjects[index].name)])) }
                }
            }
            printError("round \(round) done, load average \(loadAverage())")
        }
        guard !json else { return }
        print("64 connections, \(size) octets of text, backend \(backend); medians")
        print(table(short, subjects).rows)
        print("\n64 connections, JSON records, plain and with the server's default compression")
        print(recordTable(records, subjects).rows)
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
        var table = Table(["handler", "depth"] + columns.map(\.name) + ["CPU ns/msg from-to"])
        for shape in shapes {
            for subject in subjects {
                let results = subject.results[shape] ?? []
                let medians = columns.map { column in
                    results.compactMap(column.value).median.map(column.text) ?? "-"
                }
                let cpu = results.compactMap { $0.server?.cpu }
                let spread = "\(grouped(cpu.min() ?? 0))-\(grouped(cpu.max() ?? 0))"
                table.add([subject.name, "\(shape.depth)"] + medians + [spread])
            }
        }
        return table
    }

    private func recordTable(_ shapes: [Shape], _ subjects: [Subject]) -> Table {
        var table = Table([
            "handler", "octets", "messages/s", "CPU ns/msg", "of plain", "ratio", "p50 µs",
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

    init(name: String, _ program: String, _ arguments: [String], core: Int) throws {
        self.name = name
        server = try ServerProcess(
            program, arguments + ["--port", "0", "--threads", "1", "--quiet"], core: core)
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
