// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import WSCodec

struct DeflateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deflate",
        abstract: "Prints what each setting of permessage-deflate costs and gains, as a table.",
        discussion: """
            A server endpoint sends JSON records of 1 and 16 KiB, a client endpoint takes them. \
            Memory is what one connection holds between messages: without context takeover \
            nothing, for the connections of a loop take turns with its contexts. Times are those \
            of the default settings, which stand first, times so much; all rows take turns, and \
            medians count.
            """)

    @Option(help: "How often each is measured.")
    var rounds = 7

    func validate() throws {
        guard (1...1000).contains(rounds) else {
            throw ValidationError("--rounds takes 1 to 1000.")
        }
    }

    func run() throws {
        let small = Corpus.messages(1024, of: 1024)
        let large = Corpus.messages(64, of: 16 * 1024)
        var trials = Self.settings.map { Trial($0) }
        for _ in 0..<rounds {
            for index in trials.indices { try trials[index].measure(small, large) }
        }
        let usual = trials[0]
        var table = Table([
            "window", "memory level", "level", "takeover", "KiB to compress", "to decompress",
            "ratio at 1 KiB", "at 16 KiB", "time to compress", "to decompress",
        ])
        for trial in trials { table.add(trial.row(besides: usual)) }
        print(table.markdown)
        print(
            "\n1.00 is \(fixed(Quartiles(usual.compressing).median, 1)) ns an octet to compress and "
                + "\(fixed(Quartiles(usual.decompressing).median, 1)) to decompress here and now.")
    }

    private static let settings: [DeflateSettings] = {
        func row(
            _ window: Int = 12, memory: Int = 5, level: Int? = nil, takeover: Bool = true
        ) -> DeflateSettings {
            var settings = DeflateSettings(
                serverMaxWindowBits: window, serverContextTakeover: takeover,
                memoryLevel: memory, thresholdBytes: 0)
            if let level { settings.level = level }
            return settings
        }
        return [row()] + [1, 3, 4, 6, 9].map { row(level: $0) }
            + [9, 10, 11, 13, 14, 15].map { row($0) }
            + [1, 3, 7, 9].map { row(memory: $0) }
            + [row(15, memory: 8), row(15, memory: 8, level: 6)]
            + [row(takeover: false), row(15, memory: 8, level: 6, takeover: false)]
    }()
}

/// One row: settings, and what was found with them.
private struct Trial {
    let settings: DeflateSettings
    private(set) var compressing: [Double] = []
    private(set) var decompressing: [Double] = []
    private var memory = (compressor: 0, decompressor: 0)
    private var ratios: [Double] = []

    init(_ settings: DeflateSettings) { self.settings = settings }

    mutating func measure(_ small: [[UInt8]], _ large: [[UInt8]]) throws {
        ratios = []
        var times = (compressing: 0.0, decompressing: 0.0)
        var total = 0
        for texts in [small, large] {
            let (mine, theirs) = try settings.agreedContexts()
            var server = Endpoint(role: .server, compression: mine)
            var client = Endpoint(role: .client, compression: theirs)
            var wire: [UInt8] = []
            wire.reserveCapacity(texts.count * texts[0].count)
            let clock = ContinuousClock()
            let sending = try clock.measure {
                for text in texts { try server.send(.binary(text), compress: true, into: &wire) }
            }
            memory.compressor = server.compressionBytes
            let size = wire.count
            var messages: [Message] = []
            messages.reserveCapacity(texts.count)
            let receiving = try clock.measure { try client.receive(wire, into: &messages) }
            memory.decompressor = client.compressionBytes
            guard messages == texts.map({ .binary($0) }) else {
                throw Failure("the messages that came are not those that were sent")
            }
            let octets = texts.count * texts[0].count
            ratios.append(Double(octets) / Double(size))
            times.compressing += sending / .nanoseconds(1)
            times.decompressing += receiving / .nanoseconds(1)
            total += octets
        }
        compressing.append(times.compressing / Double(total))
        decompressing.append(times.decompressing / Double(total))
    }

    func row(besides usual: Trial) -> [String] {
        func times(_ times: [Double], _ usual: [Double]) -> String {
            fixed(Quartiles(times).median / Quartiles(usual).median, 2)
        }
        return [
            "\(settings.serverMaxWindowBits)", "\(settings.memoryLevel)", "\(settings.level)",
            settings.serverContextTakeover ? "yes" : "no",
            fixed(Double(memory.compressor) / 1024, 1),
            fixed(Double(memory.decompressor) / 1024, 1),
            fixed(ratios[0], 2), fixed(ratios[1], 2),
            times(compressing, usual.compressing), times(decompressing, usual.decompressing),
        ]
    }
}
