// SPDX-License-Identifier: Apache-2.0

/// A row of the table of options: what the option is called, what it takes, and where that goes.
struct Option: Sendable {
    /// The name that counts, then what else it may be called.
    let names: [String]
    /// What the help calls a value; empty for an option without one.
    let placeholder: String
    /// How many values may follow.
    let values: ClosedRange<Int>
    /// What the values must be, as in "takes ..., not ...".
    let allowed: String
    /// What it does and its default, in lines of at most 72 characters.
    let help: String
    /// Takes the values over; gives back the first that is not allowed.
    let take: @Sendable (_ values: [String], _ options: inout Options) -> String?

    var name: String { names[0] }

    /// An option without a value.
    static func flag(
        _ names: String..., sets path: any WritableKeyPath<Options, Bool> & Sendable,
        help: String
    ) -> Option {
        Option(names: names, placeholder: "", values: 0...0, allowed: "", help: help) {
            $1[keyPath: path] = true
            return nil
        }
    }

    /// An option with one value, which `read` understands or not.
    static func value<Value>(
        _ name: String, _ placeholder: String,
        sets path: any WritableKeyPath<Options, Value> & Sendable, allowed: String, help: String,
        read: @escaping @Sendable (String) -> Value?
    ) -> Option {
        Option(
            names: [name], placeholder: placeholder, values: 1...1, allowed: allowed, help: help
        ) { values, options in
            // Of an option given more than once the last counts, but none may be nonsense.
            for text in values {
                guard let value = read(text) else { return text }
                options[keyPath: path] = value
            }
            return nil
        }
    }

    /// An option whose value is one of a few words.
    static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
        _ name: String, sets path: any WritableKeyPath<Options, Value> & Sendable, help: String
    ) -> Option {
        let words = Value.allCases.map(\.rawValue)
        return value(
            name, words.joined(separator: "|"), sets: path,
            allowed: words.joined(separator: " or "), help: help
        ) { Value(rawValue: $0) }
    }
}
