// SPDX-License-Identifier: Apache-2.0

/// What several servers were found to cost, as tables.
struct Comparison {
    let subjects: [Subject]

    private var limit: Subject? { subjects.first { $0.name == Subject.limit } }
    private var reference: Subject? { subjects.first { $0.name == Subject.reference } }

    func tables(_ name: NamedShape) -> [String] {
        if name == .records { return [recordTable(name.shapes)] }
        return name.shapes.map { "\(name.rawValue): \($0)\n" + table($0) }
    }

    private func table(_ shape: Shape) -> String {
        let hasInstructions = subjects.allSatisfy { $0.server.meter.whyNoInstructions == nil }
        var head = ["server", "messages/s"]
        if shape.size >= 4096 { head.append("MB/s") }
        head += ["CPU ns/msg", "user", "x limit", "x ours"]
        if hasInstructions { head += ["user ins/msg", "kernel ins/msg"] }
        head += ["p50 µs", "p99 µs", "p99.9 µs", "load CPU"]
        var table = Table(head)
        for subject in subjects {
            func text(_ value: (Result) -> Double?, _ text: (Double) -> String) -> String {
                subject.quartiles(shape, value).map { text($0.median) } ?? "-"
            }
            let cpu = subject.quartiles(shape, { $0.server?.cpu })
            var row = [subject.name, text({ $0.messagesPerSecond }, grouped)]
            if shape.size >= 4096 {
                row.append(text({ $0.messagesPerSecond * Double(shape.size) / 1e6 }, grouped))
            }
            row += [
                cpu.map {
                    "\(grouped($0.median)) [\(grouped($0.lower)) \(grouped($0.upper))]"
                } ?? "failed",
                text({ $0.server?.userShare }, percent),
                subject.timesCPU(of: limit, shape)?.text() ?? "-",
                subject.timesCPU(of: reference, shape)?.text() ?? "-",
            ]
            if hasInstructions {
                row += [
                    text({ $0.server?.instructions?.user }, grouped),
                    text({ $0.server?.instructions?.kernel }, grouped),
                ]
            }
            row += [
                text({ $0.tally.p50 }, microseconds), text({ $0.tally.p99 }, microseconds),
                text({ $0.tally.p999 }, microseconds),
                text({ $0.tally.cpu / $0.tally.elapsed }, percent),
            ]
            table.add(row)
        }
        return table.rows
    }

    /// What compression costs and gains, beside the same messages plain.
    private func recordTable(_ shapes: [Shape]) -> String {
        var table = Table([
            "server", "octets", "messages/s", "CPU ns/msg", "of plain", "ratio", "p50 µs",
            "p99 µs", "load CPU",
        ])
        for (shape, index) in zip(shapes, shapes.indices) {
            for subject in subjects where subject.isOurs {
                func median(_ shape: Shape, _ value: (Result) -> Double?) -> Double {
                    subject.quartiles(shape, value)?.median ?? 0
                }
                let cpu = median(shape, { $0.server?.cpu })
                let plain = median(shapes[index - index % 2], { $0.server?.cpu })
                table.add([
                    subject.name, "\(shape.size)" + (shape.isCompressed ? " compressed" : ""),
                    grouped(median(shape, { $0.messagesPerSecond })), grouped(cpu),
                    fixed(cpu / max(1, plain), 1), fixed(median(shape, { $0.tally.ratio }), 2),
                    microseconds(median(shape, { $0.tally.p50 })),
                    microseconds(median(shape, { $0.tally.p99 })),
                    percent(median(shape) { $0.tally.cpu / $0.tally.elapsed }),
                ])
            }
        }
        return "records: JSON, plain and with the server's default compression\n" + table.rows
    }

    /// Why the figures should not be believed, or not all of them.
    func doubts(busyBefore: String) -> [String] {
        var doubts: [String] = []
        if let load = Double(busyBefore), load > 0.5 {
            doubts.append("the machine was busy before this began: load average \(busyBefore)")
        }
        let first = subjects.first
        let spreads = (first?.results ?? [:]).keys.compactMap { shape in
            first?.quartiles(shape, { $0.server?.cpu })?.spread
        }
        if let worst = spreads.max(), worst > 0.25 {
            doubts.append(
                "the machine was too noisy to believe CPU or rates: the quartiles of "
                    + "\(first?.name ?? "") are \(percent(worst)) apart; ratios within a round "
                    + "say more")
        }
        if isCrowded {
            doubts.append(
                "neither server nor load had a core to itself, so rates and latencies say little")
        }
        if let reason = subjects.first?.server.meter.whyNoInstructions {
            doubts.append("instructions not counted: \(reason); script/bench costs counts them")
        }
        return doubts
    }

    /// Whether in most measurements both sides waited for something other than each other. With one
    /// connection they wait for each other.
    private var isCrowded: Bool {
        let results = subjects.flatMap { subject in
            subject.results.filter { $0.key.connections > 1 }.values.joined()
        }
        let crowded = results.count { result in
            let busy = (result.server?.cpu ?? 0) * Double(result.tally.messages)
            return max(busy, result.tally.cpu) < 0.8 * result.tally.elapsed
        }
        return crowded * 2 > results.count
    }
}
