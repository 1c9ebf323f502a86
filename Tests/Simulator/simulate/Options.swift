// SPDX-License-Identifier: Apache-2.0

/// What the command line asks for.
struct Options {
    var seeds: ClosedRange<UInt64> = 1...2000
    var printsTrace = false
    /// The mistake to be made in the server, by its name.
    var bug: String?
    var listsBugs = false

    static let usage = """
        usage: simulate [--seeds FIRST..LAST]
               simulate --seed N [--trace]
               simulate --bug-names

        Runs the server on a simulated kernel, once for each seed, and stops at the first seed that
        breaks a rule: exit status 1. --trace prints every step. In a build with PLANTED_BUGS, --bug
        has the server make one of the mistakes that --bug-names lists.
        """

    /// What is wrong with the command line.
    struct Mistake: Error { let description: String }

    init(_ arguments: [String]) throws(Mistake) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            switch option {
            case "--seeds": seeds = try Self.range(rest.popFirst())
            case "--seed":
                let seed = try Self.number(rest.popFirst())
                seeds = seed...seed
            case "--trace": printsTrace = true
            case "--bug-names": listsBugs = true
            case "--bug":
                guard let name = rest.popFirst() else {
                    throw Mistake(description: "--bug wants a name")
                }
                bug = name
            default: throw Mistake(description: "unknown option \(option)")
            }
        }
    }

    private static func number(_ text: String?) throws(Mistake) -> UInt64 {
        guard let text, let number = UInt64(text) else {
            throw Mistake(description: "a seed is a whole number, not \(text ?? "nothing")")
        }
        return number
    }

    private static func range(_ text: String?) throws(Mistake) -> ClosedRange<UInt64> {
        let ends = (text ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard ends.count == 3, ends[1].isEmpty, let first = UInt64(ends[0]),
            let last = UInt64(ends[2]), first <= last
        else { throw Mistake(description: "seeds are FIRST..LAST, not \(text ?? "nothing")") }
        return first...last
    }
}
