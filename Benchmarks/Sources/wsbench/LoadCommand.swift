// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Puts load on one echo server and prints what it took.",
        discussion: """
            One thread keeps messages under way on all connections, each in frames masked with \
            keys of their own, and compares every echo with what was sent. It ends with an error on \
            the first that differs, and on the first that does not come.

            This is a closed loop: a message leaves when an echo has come. A server that stalls is \
            sent less meanwhile, so that the percentiles of the latency hide what others would have \
            waited (coordinated omission). With --rate the loop is open: messages are due at their \
            times whatever the echoes do, and latency counts from then.

            --handshakes and --idle-ramp measure connections instead of messages.
            """)

    @Argument(help: ArgumentHelp("The echo server.", valueName: "ws://host:port/path"))
    var url: URL

    @OptionGroup var options: ShapeOptions

    @Option(help: ArgumentHelp("How long to measure. (default: 3)", valueName: "seconds"))
    var time: Double?

    @Option(help: ArgumentHelp("How long to run before that. (default: 0.5)", valueName: "seconds"))
    var warmup: Double?

    @Option(help: ArgumentHelp("End after so many echoes, if that is sooner.", valueName: "n"))
    var messages: UInt64?

    @Flag(
        help: """
            Open connections, shake hands and reset them, again and again, in as many slots as there \
            are --connections.
            """)
    var handshakes = false

    @Option(
        help: ArgumentHelp(
            """
            Open so many connections, exchange one message on each, let them rest, read the \
            server's memory, and go on to the next number. Needs --server-pid.
            """, valueName: "a,b,..."))
    var idleRamp: Steps?

    @Option(
        help: ArgumentHelp(
            "With --idle-ramp: how long to let connections rest. (default: 2)",
            valueName: "seconds"))
    var settle: Double?

    @Option(help: "The core to keep this program on.")
    var core: Int?

    @Option(help: ArgumentHelp("The server's process, to say what it used.", valueName: "pid"))
    var serverPid: Int32?

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(
        help: """
            Tell on standard error how far a run of more than five seconds is, even if that is no \
            terminal.
            """)
    var progress = false

    func validate() throws {
        guard (time ?? 3) > 0, (time ?? 3) <= 86_400, (0...86_400).contains(warmup ?? 0.5) else {
            throw ValidationError("--time must be above 0, --warmup not below, both in seconds.")
        }
        guard (0...86_400).contains(settle ?? 2) else {
            throw ValidationError("--settle must not be below 0, in seconds.")
        }
        if handshakes { try refuse(messagesOptions + rampOptions, with: "--handshakes") }
        guard idleRamp != nil else { return try refuse([("--settle", settle != nil)], with: nil) }
        let others = [
            ("--connections", options.connections != nil), ("--depth", options.depth != nil),
            ("--rate", options.rate != nil), ("--time", time != nil),
            ("--warmup", warmup != nil), ("--messages", messages != nil),
        ]
        try refuse(others, with: "--idle-ramp")
        guard serverPid != nil else {
            throw ValidationError("--idle-ramp reads the server's memory: it needs --server-pid.")
        }
    }

    private var messagesOptions: [(String, Bool)] {
        [
            ("--depth", options.depth != nil), ("--size", options.size != nil),
            ("--binary", options.binary), ("--records", options.records),
            ("--compressed", options.compressed), ("--fragments", options.fragments != nil),
            ("--rate", options.rate != nil), ("--messages", messages != nil),
        ]
    }

    private var rampOptions: [(String, Bool)] {
        [("--idle-ramp", idleRamp != nil), ("--settle", settle != nil)]
    }

    /// Fails on the first option that was given and does not go with another.
    private func refuse(_ given: [(name: String, isGiven: Bool)], with other: String?) throws {
        guard let first = given.first(where: \.isGiven) else { return }
        throw ValidationError(
            other.map { "\(first.name) does not go with \($0)." }
                ?? "\(first.name) goes with --idle-ramp.")
    }

    func run() throws {
        if let core { try pin(to: core) }
        let meter = serverPid.map(ServerMeter.init)
        if let idleRamp, let meter {
            try ramp(idleRamp, meter)
        } else if handshakes {
            try knock(meter)
        } else {
            try exchange(meter)
        }
        if !json, let reason = meter?.whyNoInstructions, idleRamp == nil {
            print("  instructions not counted: \(reason)")
        }
    }

    private func exchange(_ meter: ServerMeter?) throws {
        let (shape, seconds) = (options.shape, time ?? 3)
        let load = try Load(url, shape)
        let progress = progress(of: "messages")
        try warmUp { _ = try load.drive(seconds: $0, progress: progress) }
        let before = try meter?.read()
        let tally = try load.drive(
            seconds: seconds, messages: messages ?? 0, progress: progress)
        var result = Result(tally)
        result.server = try cost(since: before, meter, tally.messages)
        try load.drain()
        print(json ? result.json(shape) : "\(shape)\n\(result)")
    }

    private func knock(_ meter: ServerMeter?) throws {
        let slots = options.shape.connections
        let load = try Load(unconnected: url, options.shape)
        let progress = progress(of: "handshakes")
        try warmUp { _ = try load.knock(seconds: $0, progress: progress) }
        let before = try meter?.read()
        var result = try load.knock(seconds: time ?? 3, progress: progress)
        result.server = try cost(since: before, meter, result.count)
        print(json ? result.json(slots: slots) : "handshakes, \(slots) at a time\n\(result)")
    }

    private func ramp(_ steps: Steps, _ meter: ServerMeter) throws {
        var shape = options.shape
        shape.connections = steps.last
        let settle = settle ?? 2
        let isLong = settle * Double(steps.counts.count) > 5
        let ramp = try IdleRamp(
            url, shape, to: steps.counts, settle: settle, meter,
            isWatched: isLong && (progress || Progress.isAtTerminal))
        print(json ? ramp.json(shape, settle: settle) : "\(ramp)")
    }

    private func progress(of what: String) -> Progress? {
        Progress(what, seconds: (warmup ?? 0.5) + (time ?? 3), isWanted: progress)
    }

    private func warmUp(_ drive: (Double) throws -> Void) throws {
        let seconds = warmup ?? 0.5
        if seconds > 0 { try drive(seconds) }
    }

    /// What each of `count` messages or handshakes took since `before`.
    private func cost(
        since before: ServerMeter.Reading?, _ meter: ServerMeter?, _ count: UInt64
    ) throws -> ServerCost? {
        guard let meter, let before else { return nil }
        var cost = try meter.read().since(before, messages: count)
        cost.memory = try meter.memory()
        return cost
    }
}
