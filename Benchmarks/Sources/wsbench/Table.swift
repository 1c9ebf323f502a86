// SPDX-License-Identifier: Apache-2.0

/// Columns as wide as their widest cell.
struct Table {
    private var cells: [[String]]

    init(_ head: [String]) { cells = [head] }

    mutating func add(_ row: [String]) { cells.append(row) }

    var rows: String {
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
                .joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// As a table of Markdown.
    var markdown: String {
        let lines = ([cells[0], cells[0].map { _ in "---" }] + cells.dropFirst()).map {
            "| " + $0.joined(separator: " | ") + " |"
        }
        return lines.joined(separator: "\n")
    }
}
