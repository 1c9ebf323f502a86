// SPDX-License-Identifier: Apache-2.0

/// The octets that libFuzzer made up, read from the front. Behind their end everything is 0.
public struct FuzzInput {
    private let octets: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// The input as `LLVMFuzzerTestOneInput` is given it.
    public init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        octets = UnsafeBufferPointer(start: start, count: count)
    }

    /// Whether all octets have been read.
    public var isEmpty: Bool { position == octets.count }

    /// The next octet.
    public mutating func octet() -> UInt8 {
        guard position < octets.count else { return 0 }
        defer { position += 1 }
        return octets[position]
    }

    /// The lowest bit of the next octet.
    public mutating func flag() -> Bool { octet() & 1 != 0 }

    /// One of `choices`.
    public mutating func one<Choice>(of choices: [Choice]) -> Choice {
        choices[Int(octet()) % choices.count]
    }

    /// At most `count` octets.
    public mutating func octets(_ count: Int) -> [UInt8] {
        let end = min(octets.count, position + count)
        defer { position = end }
        return [UInt8](octets[position..<end])
    }

    /// All octets that are left.
    public mutating func rest() -> [UInt8] { octets(octets.count - position) }
}

extension [UInt8] {
    /// Calls `body` with a copy of these octets in a heap block that ends with the last of them, so
    /// that the address sanitizer sees a read of one octet more.
    public func withExactBlock<Result>(
        _ body: (UnsafeMutableBufferPointer<UInt8>) -> Result
    ) -> Result {
        let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
        defer { block.deallocate() }
        _ = block.initialize(from: self)
        return body(block)
    }

    /// These octets in pieces of the given lengths, taken in turns.
    public func pieces(of lengths: [Int]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < count {
            let end = Swift.min(count, start + Swift.max(1, lengths[pieces.count % lengths.count]))
            pieces.append([UInt8](self[start..<end]))
            start = end
        }
        return pieces
    }
}

/// Ends the process, so that libFuzzer keeps the input, unless `condition` holds.
public func check(
    _ condition: Bool, _ what: @autoclosure () -> String, file: StaticString = #file,
    line: UInt = #line
) {
    if !condition { fatalError("does not hold: " + what(), file: file, line: line) }
}
