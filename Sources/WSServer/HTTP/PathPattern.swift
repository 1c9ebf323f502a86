// SPDX-License-Identifier: Apache-2.0

/// The path of a route: literal segments, and parameters that take one whole segment each.
struct PathPattern: Hashable, Sendable, CustomStringConvertible {
    enum Segment: Hashable, Sendable {
        /// Octets that stand in the path just so.
        case literal([UInt8])
        /// Any segment that is not empty, under this name.
        case parameter(String)
    }

    /// What is wrong with a pattern, in words for the programmer who wrote it.
    struct Mistake: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    let description: String
    /// What stands behind each slash; the last may be an empty literal, as in `/` or `/rooms/`.
    let segments: [Segment]
    /// The parameters' names, in the order of the path.
    let names: [String]

    init(_ text: String) throws(Mistake) {
        description = text
        let mistake = { (what: String) in Mistake(description: "route \"\(text)\": \(what)") }
        guard text.utf8.first == UInt8(ascii: "/") else {
            throw mistake("a path begins with a slash")
        }
        let pieces = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var segments: [Segment] = []
        var names: [String] = []
        for (index, piece) in pieces.enumerated() {
            if piece.isEmpty && index < pieces.count - 1 {
                throw mistake("an empty segment can only be the last one")
            }
            if piece.first == "{" && piece.last == "}" && piece.count >= 2 {
                let name = String(piece.dropFirst().dropLast())
                guard Self.isName(name) else {
                    throw mistake("\"\(piece)\" is no name: letters, digits and _ make one")
                }
                guard !names.contains(name) else {
                    throw mistake("two parameters are called \"\(name)\"")
                }
                names.append(name)
                segments.append(.parameter(name))
            } else {
                guard piece.utf8.allSatisfy(Self.isPathOctet) else {
                    throw mistake(
                        "\"\(piece)\" has characters a path cannot have; a parameter is a whole "
                            + "segment in braces, anything else is percent-encoded")
                }
                segments.append(.literal(Array(piece.utf8)))
            }
        }
        self.segments = segments
        self.names = names
    }

    /// Whether both take the same paths; what parameters are called does not count.
    func isSamePath(as other: PathPattern) -> Bool {
        segments.count == other.segments.count
            && zip(segments, other.segments).allSatisfy { mine, theirs in
                switch (mine, theirs) {
                case (.literal(let mine), .literal(let theirs)): mine == theirs
                case (.parameter, .parameter): true
                default: false
                }
            }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") }
    }

    /// Whether an octet may stand in a segment: pchar, with `%` for the encoded ones
    /// (RFC 3986 section 3.3).
    private static func isPathOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: ":"),
            UInt8(ascii: "@"), UInt8(ascii: "%"):
            true
        default: octet.isAlphanumeric
        }
    }
}
