// SPDX-License-Identifier: Apache-2.0
import CYardstick

/// Memory that a contest is held in: a source full of messages, and a target of the same layout.
///
/// Short messages fill a few kibibytes, so that one is not worked on again while the processor
/// still has it under way from the last time, and all of them stay in the nearest cache.
final class Arena {
    let content: Content
    let pieces: [yardstick_piece]
    /// Octets of all pieces.
    let octets: Int
    /// `capacity` octets each.
    let source, target: UnsafeMutablePointer<UInt8>
    let capacity: Int
    private let memory: UnsafeMutableRawPointer
    private let layout: UnsafeMutableBufferPointer<yardstick_piece>

    private static let filled = 8 << 10
    private static let line = 64
    private static let page = 4096
    /// Room for a frame's header, behind each piece.
    private static let header = 14

    init(_ content: Content, _ size: MessageSize, _ alignment: Alignment = .aligned) {
        self.content = content
        let sizes: [Int] =
            if case .octets(let octets) = size {
                size.sizes(filling: Self.filled, atMost: max(1, Self.filled / Self.inLines(octets)))
            } else { size.sizes(filling: Self.filled) }
        var end = 0
        let isMix = size == .mix
        pieces = sizes.map { octets in
            let piece = yardstick_piece(offset: end, size: octets)
            // Those of all sizes lie as frames do, one behind the other.
            end += isMix ? octets + 6 : Self.inLines(octets)
            return piece
        }
        octets = sizes.reduce(0, +)
        layout = .allocate(capacity: pieces.count)
        _ = layout.initialize(from: pieces)
        capacity = end + pieces.count * Self.header + Self.line
        // The two are half a page apart, seen from within a page: loads from one and stores to the
        // other are not taken for each other by their low address bits.
        let span = (capacity + 2 * Self.page - 1) / Self.page * Self.page + Self.page / 2
        memory = .allocate(byteCount: 2 * span, alignment: Self.page)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * span)
        let (first, second) = alignment == .misaligned ? (3, 1) : (0, 0)
        source = (memory + first).assumingMemoryBound(to: UInt8.self)
        target = (memory + span + second).assumingMemoryBound(to: UInt8.self)
        var scroll = Scroll(content)
        for piece in pieces { scroll.write(to: part(of: source, piece)) }
        reset()
    }

    deinit {
        memory.deallocate()
        layout.deallocate()
    }

    private static func inLines(_ size: Int) -> Int { (size + line - 1) / line * line }

    /// The octets of `piece` in the source or the target.
    func part(
        of start: UnsafeMutablePointer<UInt8>, _ piece: yardstick_piece
    ) -> UnsafeMutableBufferPointer<UInt8> {
        UnsafeMutableBufferPointer(start: start + piece.offset, count: piece.size)
    }

    /// Makes the target a copy of the source.
    func reset() { target.update(from: source, count: capacity - Self.line) }

    /// Does `work` on all pieces; nanoseconds.
    func run(
        _ work: yardstick_work, key: UInt32 = Content.key, passes: Int
    ) throws -> (nanoseconds: Double, invalid: UInt64) {
        var block = yardstick_block(
            target: target, source: UnsafePointer(source),
            pieces: UnsafePointer(layout.baseAddress),
            count: layout.count, key: key)
        var invalid: UInt64 = 0
        let time = yardstick_run(work, &block, passes, &invalid)
        return (Double(time), invalid)
    }

    /// A contender that does `work`, which was found to be right.
    func contender(
        _ name: String, _ work: yardstick_work, kernel: Kernel? = nil,
        rivals: [Contender.Rival] = []
    ) throws -> Contender {
        let subject = kernel.map { "\(name), \($0)" } ?? name
        try (kernel ?? .best).use()
        try ArenaCheck(arena: self, subject: subject).check(work)
        return Contender(name: name, kernel: kernel, rivals: rivals) { passes in
            let (time, invalid) = try self.run(work, passes: passes)
            guard invalid == 0 else { throw Failure("\(subject) takes valid text for invalid") }
            return time
        }
    }
}
