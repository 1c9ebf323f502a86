// SPDX-License-Identifier: Apache-2.0
import CYardstick
import WSCodec

/// Times what the codec's targets are about, on the best kernel of this machine.
struct CodecTargets {
    let rounds: Int
    let nanoseconds: Double
    /// Nil, or why simdutf is not there to be timed.
    let whyNoSimdutf: String?
    private(set) var targets: [CodecTarget] = []

    private static let kibi = 1024
    private static let mebi = 1024 * 1024
    private static let largest = 64 * mebi
    private static let small = [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 63]
    private static let middle = [64, 125, 256, 512, kibi, 2 * kibi]
    private static let large = [4, 8, 16, 64].map { $0 * kibi } + [mebi, 16 * mebi, largest]

    init(rounds: Int, nanoseconds: Double, whyNoSimdutf: String?) {
        self.rounds = rounds
        self.nanoseconds = nanoseconds
        self.whyNoSimdutf = whyNoSimdutf
    }

    mutating func measure() throws {
        try mask()
        try fused()
        try fusedCopy()
        try utf8()
        try simdutf()
        try parse()
        try decode()
        try encode()
    }

    /// A figure of a contest's findings that a target is about.
    private typealias Claim = (target: CodecTarget, figure: (Findings) throws -> Quartiles)

    private mutating func target(_ name: String, _ bound: CodecTarget.Bound) -> CodecTarget {
        let target = CodecTarget(name, bound)
        targets.append(target)
        return target
    }

    /// Holds a contest, and once more if a target is missed: then all rounds count together, so that
    /// one that meets it hardly is not found to miss it by a disturbance.
    private func hold(
        _ contest: Contest, _ claims: [Claim], place: ((Findings) -> String)? = nil
    ) throws {
        guard !claims.isEmpty else { return }
        var findings = try contest.hold(rounds: rounds, nanoseconds: nanoseconds)
        if try claims.contains(where: { !$0.target.bound.admits(try $0.figure(findings).median) }) {
            findings = try contest.hold(
                rounds: rounds, nanoseconds: nanoseconds, findings: findings)
        }
        for claim in claims {
            claim.target.add(
                .init(
                    figure: try claim.figure(findings),
                    place: place?(findings)
                        ?? contest.circumstances,
                    isNoisy: findings.isNoisy))
        }
    }

    private var subjects: Subjects { Subjects(kernels: [.best], hasOutsiders: false) }

    // MARK: - Kernels

    private mutating func mask() throws {
        printError("masking")
        let near = target("mask / memcpy, to 16 KiB", .atMost(1.05))
        let far = target("mask / memcpy, from 64 KiB", .atMost(0.65))
        for size in Self.small + Self.middle + Self.large {
            for alignment in [Alignment.aligned, .misaligned] {
                try hold(
                    .mask(.binary, .octets(size), alignment, subjects),
                    [
                        (
                            size <= 16 * Self.kibi ? near : far,
                            {
                                try $0.ratio(
                                    (Contest.mask, .best), over: (Contender.memcpy, nil))
                            }
                        )
                    ])
            }
        }
    }

    private mutating func fused() throws {
        func ratio(_ findings: Findings) throws -> Quartiles {
            try findings.ratio((Contest.twoPasses, .best), over: (Contest.fused, .best))
        }
        let everywhere = target("two passes / fused, everywhere", .atLeast(0.97))
        let ascii: [(CodecTarget, ClosedRange<Int>)] = [
            (target("two passes / fused, ASCII to 32 B", .atLeast(2)), 8...32),
            (target("two passes / fused, ASCII of 125 B", .atLeast(3)), 125...125),
            (target("two passes / fused, ASCII of 4 KiB", .atLeast(1.4)), 4096...4096),
            (
                target("two passes / fused, ASCII from 64 KiB", .atLeast(2)),
                64 * Self.kibi...Self.largest
            ),
        ]
        let others: [(CodecTarget, ClosedRange<Int>)] = [
            (target("two passes / fused, non-ASCII to 32 B", .atLeast(1.3)), 8...32),
            (
                target("two passes / fused, non-ASCII of 1 MiB", .atLeast(1.1)),
                Self.mebi...Self.mebi
            ),
            (
                target("two passes / fused, non-ASCII of 64 MiB", .atLeast(1.4)),
                Self.largest...Self.largest
            ),
        ]
        let short = target("fused / the faster of both, below 64 B", .atMost(1.1))
        for content in Content.texts {
            printError("fused masking and validation, \(content.rawValue)")
            let ranges =
                content == .ascii ? ascii : Content.nonASCII.contains(content) ? others : []
            for size in Self.small.filter({ $0 >= 8 }) + Self.middle + Self.large {
                for alignment in [Alignment.aligned, .misaligned] {
                    var claims: [Claim] = [(everywhere, ratio)]
                    claims += ranges.filter { $0.1.contains(size) }.map { ($0.0, ratio) }
                    if size < 64 {
                        claims.append(
                            (
                                short,
                                {
                                    try $0.ratio(
                                        (Contest.fused, .best), over: (Contest.twoPasses, .best)
                                    ).atLeast(1)
                                }
                            ))
                    }
                    try hold(
                        .fused(content, .octets(size), alignment, subjects, copies: false), claims)
                }
            }
        }
    }

    private mutating func fusedCopy() throws {
        printError("fused copy")
        let copy = target("fused copy / memcpy, 64 MiB", .atMost(1.05))
        for content in Content.texts {
            try hold(
                .fused(content, .octets(Self.largest), .aligned, subjects, copies: true),
                [
                    (
                        copy,
                        {
                            try $0.ratio((Contest.fused, .best), over: (Contender.memcpy, nil))
                        }
                    )
                ])
        }
    }

    private mutating func utf8() throws {
        let near = target("plain kernel / validation, non-ASCII from 64 B", .atLeast(3))
        let far = target("plain kernel / validation, non-ASCII from 4 KiB", .atLeast(10))
        var subjects = subjects
        subjects.kernels = [.plain, .best]
        guard Kernel.best != .plain else {
            for target in [near, far] { target.excuse = "this machine has the plain kernel only" }
            return
        }
        for content in Content.nonASCII {
            printError("validation, \(content.rawValue)")
            for size in Self.middle + Self.large where size < Self.largest {
                try hold(
                    .utf8(content, .octets(size), .aligned, subjects),
                    [
                        (
                            size < 4096 ? near : far,
                            {
                                try $0.ratio((Contest.utf8, .plain), over: (Contest.utf8, .best))
                            }
                        )
                    ])
            }
        }
    }

    private mutating func simdutf() throws {
        let bySize: [(CodecTarget, ClosedRange<Int>)] = [
            (target("simdutf / validation, 8 to 16 B, all texts", .atLeast(1.5)), 8...16),
            (target("simdutf / validation, 32 to 64 B, all texts", .atLeast(1.1)), 32...64),
            (target("simdutf / validation, 125 B, all texts", .atLeast(1.3)), 125...125),
        ]
        let pictures = target("simdutf / validation, CJK and emoji, 256 B to 64 KiB", .atLeast(1.1))
        let byContent: [Content: CodecTarget] = [
            .ascii: target("simdutf / validation, ASCII, 256 B to 64 KiB", .atLeast(1.1)),
            .twoOctet: target("simdutf / validation, 2 octets, 256 B to 64 KiB", .atLeast(1.4)),
            .threeOctet: pictures, .fourOctet: pictures,
            .json: target("simdutf / validation, JSON, 256 B to 64 KiB", .atLeast(1)),
        ]
        guard whyNoSimdutf == nil else {
            for target in bySize.map(\.0) + byContent.values { target.excuse = whyNoSimdutf }
            return
        }
        var subjects = subjects
        subjects.hasSimdutf = true
        let sizes =
            [8, 12, 16, 32, 48, 64, 125, 256, 512] + [1, 2, 4, 8, 16, 64].map { $0 * Self.kibi }
        for content in Content.texts {
            printError("validation beside simdutf, \(content.rawValue)")
            for size in sizes {
                let target =
                    size <= 125
                    ? bySize.first { $0.1.contains(size) }?.0 : byContent[content]
                guard let target else { continue }
                try hold(
                    .utf8(content, .octets(size), .aligned, subjects),
                    [
                        (
                            target,
                            { try $0.ratio((Contest.simdutf, nil), over: (Contest.utf8, .best)) }
                        )
                    ])
            }
        }
    }

    /// Whether an array's memory is counted.
    private static var countsSwift: Bool {
        let before = yardstick_allocations()
        var array: [UInt8] = []
        array.reserveCapacity(4096)
        array.withUnsafeBytes { yardstick_sink(UInt64(UInt(bitPattern: $0.baseAddress))) }
        return yardstick_allocations() > before
    }

    // MARK: - Frames

    private mutating func parse() throws {
        printError("parsing")
        // 100 M frames/s where memcpy runs at 60 GB/s.
        let target = target("M frames/s of 32 B ASCII, / 100 x 60 / memcpy's GB/s", .atLeast(1))
        let contest = try Contest.parse(.ascii, .octets(32), subjects)
        let scale = 600 * Double(contest.messages) / Double(contest.octets)
        try hold(
            contest,
            [
                (
                    target,
                    {
                        try $0.ratio((Contender.memcpy, nil), over: (Contest.parse, .best))
                            .times(scale)
                    }
                )
            ]
        ) { findings in
            let time = findings.index(Contest.parse, .best).map { findings.time($0).median } ?? 0
            return "\(fixed(1000 / max(time, 1e-3), 1)) M frames/s, memcpy "
                + "\(fixed(findings.gigabytes(0), 1)) GB/s of \(contest.octets) B"
        }
    }

    private mutating func decode() throws {
        let ours = target("C parser / Endpoint", .atLeast(0.5))
        let theirs = target("NIO / Endpoint", .atLeast(20))
        let sizes: [MessageSize] =
            [8, 32, 125, 512, Self.kibi, 4 * Self.kibi, 16 * Self.kibi].map { .octets($0) } + [.mix]
        for content in [Content.ascii, .json] {
            printError("decoding, \(content.rawValue)")
            for size in sizes {
                let endpoint = (EndpointDecoding.inPlace, Kernel.best)
                try hold(
                    .decode(content, size),
                    [
                        (ours, { try $0.ratio((Contest.parse, .best), over: endpoint) }),
                        (theirs, { try $0.ratio((Contest.nio, nil), over: endpoint) }),
                    ])
            }
        }
    }

    /// Counts instead of timing: none is asked for, so one pass tells.
    private mutating func encode() throws {
        let target = target("allocations per 1000 small frames sent", .atMost(0))
        guard yardstick_counts_allocations() != 0, Self.countsSwift else {
            target.excuse = "allocations cannot be counted in this build"
            return
        }
        for size in [1, 8, 16, 32, 64, 125, 512] {
            let arena = Arena(.binary, .octets(size))
            for role in [Role.server, .client] {
                let counted = try EndpointEncoding(arena, role: role).allocations()
                let roads = [
                    (EndpointEncoding.intoSpan(role), counted.intoSpan),
                    (EndpointEncoding.intoArray(role), counted.intoArray),
                ]
                for (name, count) in roads {
                    let share = Double(count) / Double(counted.messages) * 1000
                    target.add(.init(figure: Quartiles([share]), place: "\(name), \(size) B"))
                }
            }
        }
    }
}
