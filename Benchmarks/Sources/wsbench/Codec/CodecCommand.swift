// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CYardstick
import Glibc

struct CodecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codec",
        abstract: "Measures the codec without a server, beside memcpy, naive loops and others.",
        discussion: """
            mask, utf8, fused and fused-copy are the kernels: masking in place, validation, both in \
            one pass in place and from one place to another. parse is the C parser over 32 KiB or \
            more of masked frames, encode writes frames, decode is the public Endpoint beside the \
            C parser and SwiftNIO on the same octets, deflate and inflate are an Endpoint with \
            permessage-deflate.

            All subjects of a case take turns in each round; figures are medians of the rounds, \
            ratios the medians of the ratios in each round, [quartiles] behind them. memcpy is \
            called through a pointer with a length the compiler does not know, and so is every \
            other kernel; its GB/s are octets copied. "aligned" pieces begin on cache lines, \
            "misaligned" ones 1 octet (target) and 3 octets (source) behind. Short messages lie in \
            8 KiB, so in the nearest cache. Masks are octets of 0 and 1, which make text of text: \
            nothing is restored between passes. Before a case is timed, every subject's result is \
            compared with plain Swift's. The naive loops are compiled without vector \
            instructions. SwiftNIO's decoder is in an embedded channel, its frames are unmasked, \
            its texts not validated. Times of deflate and inflate are per message, too.

            "mix" draws sizes with a seed: 60 % of messages 16 to 128 octets, 25 % to 512, 10 % to \
            2 KiB, 4 % to 16 KiB, 1 % to 64 KiB, evenly by their logarithm within each.

            A "?" marks figures of cases in which memcpy's own quartiles are more than 25 % apart.
            """)

    @Argument(
        help: ArgumentHelp(
            "What to measure: "
                + "\(CodecOperation.allCases.map(\.rawValue).joined(separator: ", ")). All by "
                + "default.", valueName: "operation"))
    var operations: [CodecOperation] = []

    @Flag(help: "Print a table of the targets that the codec has, and whether it meets them.")
    var targets = false

    @Option(
        help: ArgumentHelp(
            "How often each is measured: 7 by default, 3 with --quick.", valueName: "rounds"))
    var rounds: Int?

    @Flag(help: "Fewer sizes and shorter times, less than two minutes in all.")
    var quick = false

    @Option(
        help: ArgumentHelp(
            "Only messages of so many octets, or \"mix\". May be repeated.", valueName: "octets"))
    var size: [MessageSize] = []

    @Option(help: "Only this text. May be repeated.")
    var text: [Content] = []

    @Option(help: "Only this kernel, where kernels are compared. May be repeated.")
    var kernel: [Kernel] = []

    @Option(
        help: ArgumentHelp(
            "A shared library of simdutf to measure beside validation.", valueName: "path"))
    var simdutf: String?

    @Option(help: ArgumentHelp("The core to run on; any by default.", valueName: "number"))
    var core: Int?

    @Flag(help: "Print a line of JSON for each measurement instead of tables.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(rounds ?? 1) else {
            throw ValidationError("--rounds takes 1 to 1000.")
        }
        guard (0...4095).contains(core ?? 0) else {
            throw ValidationError("--core takes the number of a core.")
        }
        guard !targets || (operations.isEmpty && size.isEmpty && text.isEmpty && kernel.isEmpty)
        else {
            throw ValidationError("--targets has operations, sizes, texts and kernels of its own.")
        }
    }

    func run() throws {
        if let core { try pin(to: core) }
        try loadSimdutf()
        printError("load average \(loadAverage()), best kernel \(Kernel.best)")
        if targets { try measureTargets() } else { try measureOperations() }
    }

    private var roundCount: Int { rounds ?? (quick ? 3 : 7) }

    /// Of one sample.
    private var nanoseconds: Double { quick ? 1e6 : 4e6 }

    private func loadSimdutf() throws {
        guard let simdutf else { return }
        var why = [CChar](repeating: 0, count: 512)
        guard yardstick_simdutf_open(simdutf, &why, why.count) == 0 else {
            let reason = String(
                decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Failure("no simdutf in \(simdutf): \(reason)")
        }
    }

    private func measureTargets() throws {
        var all = CodecTargets(
            rounds: roundCount, nanoseconds: nanoseconds,
            whyNoSimdutf: simdutf == nil ? "needs --simdutf" : nil)
        try all.measure()
        guard !json else { return all.targets.forEach { print($0.line) } }
        var table = Table(CodecTarget.head)
        for target in all.targets { table.add(target.row) }
        print(table.markdown)
        print(
            """

            Kernel \(Kernel.best); medians of \(roundCount) rounds, of twice as many in cases that \
            missed a target at first, [quartiles]. \
            "?": memcpy's own quartiles were more than 25 % apart there. a / b is the time of a over \
            that of b; non-ASCII are the texts of 2, 3 and 4 octets.
            """)
    }

    private func measureOperations() throws {
        let wanted = operations.isEmpty ? CodecOperation.allCases : operations
        let sizes = !size.isEmpty ? size : quick ? MessageSize.quick : MessageSize.usual
        let subjects = Subjects(
            kernels: kernel.isEmpty ? Kernel.available : kernel, hasSimdutf: simdutf != nil)
        var cases = 0
        var noisy = 0
        for operation in wanted {
            var table = Table(Findings.head)
            var rows = 0
            for content in operation.contents where text.isEmpty || text.contains(content) {
                printError("\(operation), \(content.rawValue)")
                for size in sizes {
                    for alignment in size == .mix ? [.aligned] : operation.alignments {
                        let findings = try operation.contest(content, size, alignment, subjects)
                            .hold(rounds: roundCount, nanoseconds: nanoseconds)
                        if json { findings.lines.forEach { print($0) } }
                        findings.rows.forEach { table.add($0) }
                        rows += 1
                        cases += 1
                        noisy += findings.isNoisy ? 1 : 0
                    }
                }
            }
            if rows == 0 {
                printError("\(operation) has none of these texts")
            } else if !json {
                print("\(operation), a message:\n\(table.rows)\n")
            }
            // A table may take a minute; a pipe would hold it back.
            fflush(nil)
        }
        if noisy > 0 {
            printError(
                "in \(noisy) of \(cases) cases memcpy's own quartiles are more than "
                    + "\(percent(Findings.noise)) apart: the machine is too busy to believe them")
        }
    }
}
