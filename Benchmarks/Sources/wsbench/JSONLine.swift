// SPDX-License-Identifier: Apache-2.0

/// One object of JSON on one line.
struct JSONLine {
    private var members: [String] = []

    var text: String { "{" + members.joined(separator: ", ") + "}" }

    mutating func add(_ name: String, _ value: Double, places: Int = 1) {
        members.append("\"\(name)\": \(fixed(value, places))")
    }

    mutating func add(_ name: String, _ value: some BinaryInteger) {
        members.append("\"\(name)\": \(value)")
    }

    mutating func add(_ name: String, _ value: Bool) { members.append("\"\(name)\": \(value)") }

    mutating func add(_ name: String, _ value: String) {
        let escaped = value.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case "\u{0}"..<" ": "?"
            default: "\(scalar)"
            }
        }
        members.append("\"\(name)\": \"\(escaped.joined())\"")
    }

    mutating func add(_ name: String, _ lines: [JSONLine]) {
        members.append("\"\(name)\": [" + lines.map(\.text).joined(separator: ", ") + "]")
    }
}
