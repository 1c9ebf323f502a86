// SPDX-License-Identifier: Apache-2.0

/// Findings for people and for programs.
extension Findings {
    static let head = [
        "text", "octets", "alignment", "subject", "kernel", "ns", "GB/s", "M/s", "x memcpy's time",
        "times as fast as",
    ]

    /// A row for each contender.
    var rows: [[String]] {
        contest.contenders.indices.map { index in
            let contender = contest.contenders[index]
            let rivals = comparisons(index).map { "\($0.label) \($0.ratio.text())" }
            let time = time(index).median
            return [
                contest.content.rawValue, "\(contest.size)", contest.alignment.rawValue,
                contender.name, contender.kernel.map { "\($0)" } ?? "-",
                time < 100 ? fixed(time, 2) : grouped(time),
                fixed(gigabytes(index), 3), fixed(1000 / max(time, 1e-3), 2),
                (isNoisy ? "?" : "") + ratio(index, over: 0).text(),
                (rivals + [contender.note].compactMap(\.self)).joined(separator: ", "),
            ]
        }
    }

    /// An object for each contender.
    var lines: [String] {
        contest.contenders.indices.map { index in
            let contender = contest.contenders[index]
            let octets = Double(contest.octets) / Double(contest.messages)
            var members = [
                "\"operation\": \"\(contest.operation)\"",
                "\"subject\": \"\(contender.name)\"",
                "\"kernel\": " + (contender.kernel.map { "\"\($0)\"" } ?? "null"),
                "\"text\": \"\(contest.content.rawValue)\"",
                "\"size\": " + (contest.size == .mix ? "\"mix\"" : "\(contest.size)"),
                "\"alignment\": \"\(contest.alignment.rawValue)\"",
                "\"bytes\": \(fixed(octets, 1))", "\"rounds\": \(rounds)",
                "\"ns\": \(Self.json(time(index)))",
                "\"time_of_memcpy\": \(Self.json(ratio(index, over: 0)))",
            ]
            let rivals = comparisons(index).map { "\"\($0.label)\": \(Self.json($0.ratio))" }
            members.append("\"times_as_fast_as\": {\(rivals.joined(separator: ", "))}")
            if let note = contender.note { members.append("\"note\": \"\(note)\"") }
            members.append("\"memcpy_spread\": \(fixed(time(0).spread, 3))")
            return "{" + members.joined(separator: ", ") + "}"
        }
    }

    private static func json(_ figure: Quartiles) -> String {
        """
        {"median": \(fixed(figure.median, 4)), "lower": \(fixed(figure.lower, 4)), \
        "upper": \(fixed(figure.upper, 4))}
        """
    }

    /// How many times as fast as its rivals a contender is.
    private func comparisons(_ index: Int) -> [(label: String, ratio: Quartiles)] {
        contest.contenders[index].rivals.compactMap { rival in
            guard let other = self.index(rival.name, rival.kernel), other != index else {
                return nil
            }
            return (rival.label ?? rival.name, ratio(other, over: index))
        }
    }
}
