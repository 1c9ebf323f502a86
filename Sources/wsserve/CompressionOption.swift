// SPDX-License-Identifier: Apache-2.0
import WSServer

extension Compression {
    /// What `--compression` takes, for messages about it.
    static let optionForms = """
        off, on, or settings divided by commas: server_max_window_bits=9..15, \
        client_max_window_bits=9..15, server_no_context_takeover, client_no_context_takeover, \
        level=1..9, mem_level=1..9, threshold=OCTETS
        """

    /// The value of `--compression`; nil when it is none of its forms.
    init?(option text: String) {
        switch text {
        case "off": self = .off
        case "on": self = .on()
        default:
            var settings = DeflateSettings()
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard settings.set(part) else { return nil }
            }
            self = .on(settings)
        }
    }
}

extension DeflateSettings {
    /// Sets what `part` names, `name` or `name=value`; false when there is no such thing.
    fileprivate mutating func set(_ part: Substring) -> Bool {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = pair.count == 2 ? Int(pair[1]) : nil
        func within(_ range: ClosedRange<Int>) -> Int? {
            value.flatMap { range.contains($0) ? $0 : nil }
        }
        switch (pair[0], pair.count) {
        case ("server_no_context_takeover", 1): serverContextTakeover = false
        case ("client_no_context_takeover", 1): clientContextTakeover = false
        case ("server_max_window_bits", 2):
            guard let bits = within(9...15) else { return false }
            serverMaxWindowBits = bits
        case ("client_max_window_bits", 2):
            guard let bits = within(9...15) else { return false }
            clientMaxWindowBits = bits
        case ("level", 2):
            guard let number = within(1...9) else { return false }
            level = number
        case ("mem_level", 2):
            guard let number = within(1...9) else { return false }
            memoryLevel = number
        case ("threshold", 2):
            guard let octets = within(0...Int.max) else { return false }
            thresholdBytes = octets
        default: return false
        }
        return true
    }
}
