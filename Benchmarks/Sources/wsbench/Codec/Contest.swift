// SPDX-License-Identifier: Apache-2.0
import CYardstick

/// One of those that do the same work in a contest.
struct Contender {
    /// What it is called; unique in its contest, together with the kernel.
    let name: String
    /// The kernel of ours that it runs on.
    var kernel: Kernel?
    /// Whom it is held against besides memcpy.
    var rivals: [Rival] = []
    /// What there is to say of it.
    var note: String?
    /// Does the contest's work so many times. Returns nanoseconds.
    let run: (_ passes: Int) throws -> Double

    /// Another contender, and what to call it.
    struct Rival {
        var name: String
        var kernel: Kernel?
        var label: String?
    }

    static let memcpy = "memcpy"

    /// Runs it on its kernel.
    func time(_ passes: Int) throws -> Double {
        try (kernel ?? .best).use()
        return try run(passes)
    }
}

/// Some who do the same work on the same octets, in turns. memcpy is the first of them.
struct Contest {
    let operation: CodecOperation
    let content: Content
    let size: MessageSize
    var alignment = Alignment.aligned
    /// Messages in one pass, and octets in all of them.
    let messages: Int
    let octets: Int
    let contenders: [Contender]

    /// Text, size and alignment, for people.
    var circumstances: String {
        let octets = size == .mix ? "mixed sizes" : "\(size) B"
        return "\(content.rawValue), \(octets), \(alignment.rawValue)"
    }

    /// Times all contenders in each of so many rounds, one after another, each time another one
    /// first, so that no change of the machine's speed is to the favour of one.
    ///
    /// A sample takes `nanoseconds` or longer. Samples are added to `findings`, if there are some.
    func hold(
        rounds: Int, nanoseconds: Double, findings: Findings? = nil
    ) throws -> Findings {
        let passes = try contenders.map { try Self.passes($0, nanoseconds: nanoseconds) }
        var findings = findings ?? Findings(self)
        for round in 0..<rounds {
            var samples = Array(repeating: 0.0, count: contenders.count)
            for turn in contenders.indices {
                let index = (round + turn) % contenders.count
                // What the caches hold is its own when the clock starts.
                _ = try contenders[index].time(max(1, passes[index] / 16))
                let time = try contenders[index].time(passes[index])
                samples[index] = time / Double(passes[index] * messages)
            }
            findings.add(samples)
        }
        return findings
    }

    /// As many passes as take `nanoseconds`.
    private static func passes(_ contender: Contender, nanoseconds: Double) throws -> Int {
        var passes = 1
        while true {
            let time = max(1, try contender.time(passes))
            guard time < nanoseconds else { return passes }
            passes = Int(Double(passes) * min(100, max(1.1, 1.1 * nanoseconds / time))) + 1
        }
    }
}

/// Where the octets lie that are worked on.
enum Alignment: String {
    /// Every piece begins on a cache line.
    case aligned
    /// One octet behind that in the target, three octets behind it in the source.
    case misaligned
    /// Frame behind frame, or message behind message.
    case packed
}

/// What the rounds of a contest found: nanoseconds a message.
struct Findings {
    let contest: Contest
    /// By contender, then by round.
    private var samples: [[Double]]

    init(_ contest: Contest) {
        self.contest = contest
        samples = contest.contenders.map { _ in [] }
    }

    mutating func add(_ round: [Double]) {
        for (index, sample) in round.enumerated() { samples[index].append(sample) }
    }

    var rounds: Int { samples[0].count }

    func time(_ index: Int) -> Quartiles { Quartiles(samples[index]) }

    /// The place of a contender.
    func index(_ name: String, _ kernel: Kernel? = nil) -> Int? {
        contest.contenders.firstIndex { $0.name == name && $0.kernel == kernel }
    }

    /// The time of one over that of the other in the same round.
    func ratio(_ one: Int, over other: Int) -> Quartiles {
        Quartiles(zip(samples[one], samples[other]).map { $0 / max($1, 1e-9) })
    }

    /// The same, by name. It is a mistake of this program when there is none.
    func ratio(
        _ one: (String, Kernel?), over other: (String, Kernel?)
    ) throws -> Quartiles {
        guard let one = index(one.0, one.1), let other = index(other.0, other.1) else {
            throw Failure("\(contest.operation): there is no \(one) or no \(other)")
        }
        return ratio(one, over: other)
    }

    /// Octets a nanosecond, which are gigabytes a second.
    func gigabytes(_ index: Int) -> Double {
        Double(contest.octets) / Double(contest.messages) / max(time(index).median, 1e-9)
    }

    /// Whether memcpy itself took so different times that the others' say little.
    var isNoisy: Bool { time(0).spread > Self.noise }

    static let noise = 0.25
}
