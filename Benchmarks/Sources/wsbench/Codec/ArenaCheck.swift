// SPDX-License-Identifier: Apache-2.0
import CYardstick

/// Shows before anything is timed that what is timed is right: the very loops of the measurement
/// run once over the contest's own octets, against plain Swift.
struct ArenaCheck {
    let arena: Arena
    let subject: String

    private static let key: UInt32 = 0xC35A_1E97

    /// Throws unless `work` does what it is for. Source and target are as before afterwards.
    func check(_ work: yardstick_work) throws {
        switch work {
        case YARDSTICK_MEMCPY:
            for piece in arena.pieces { arena.part(of: arena.target, piece).update(repeating: 0) }
            _ = try arena.run(work, passes: 1)
            try compare(arena.target, to: arena.source)
        case YARDSTICK_MASK, YARDSTICK_MASK_NAIVE:
            arena.reset()
            mask(arena.target)
            _ = try arena.run(work, key: Self.key, passes: 1)
            try compare(arena.target, to: arena.source)
        case YARDSTICK_UTF8, YARDSTICK_UTF8_NAIVE, YARDSTICK_UTF8_SIMDUTF:
            try checkVerdicts { try arena.run(work, passes: 1).invalid }
        case YARDSTICK_FUSED, YARDSTICK_TWO_PASSES, YARDSTICK_TWO_PASSES_NAIVE:
            try checkVerdicts {
                arena.reset()
                mask(arena.target)
                return try arena.run(work, key: Self.key, passes: 1).invalid
            }
            try compare(arena.target, to: arena.source)
        case YARDSTICK_FUSED_COPY, YARDSTICK_TWO_PASSES_COPY, YARDSTICK_TWO_PASSES_COPY_NAIVE:
            try checkVerdicts {
                mask(arena.source)
                defer { mask(arena.source) }
                return try arena.run(work, key: Self.key, passes: 1).invalid
            }
            try compare(arena.target, to: arena.source)
        case YARDSTICK_ENCODE, YARDSTICK_ENCODE_MASKED:
            _ = try arena.run(work, key: Self.key, passes: 1)
            let payloads = arena.pieces.map { [UInt8](arena.part(of: arena.source, $0)) }
            let key = work == YARDSTICK_ENCODE_MASKED ? Self.key : nil
            let expected = Wire.frames(payloads, isText: false) { _ in key }
            guard
                UnsafeBufferPointer(start: arena.target, count: expected.count)
                    .elementsEqual(expected)
            else { throw wrong("does not write the frames it should") }
        default:
            throw Failure("\(subject) cannot be checked")
        }
        arena.reset()
    }

    /// `count` counts the invalid pieces: none now, all of them when each is spoiled; then none.
    private func checkVerdicts(_ count: () throws -> UInt64) throws {
        guard try count() == 0 else { throw wrong("takes valid text for invalid") }
        var kept: [UInt8] = []
        for (index, piece) in arena.pieces.enumerated() {
            let part = arena.part(of: arena.source, piece)
            // Another place in each.
            let place = index * 7 % part.count
            kept.append(part[place])
            part[place] = 0xFF
        }
        let invalid = try count()
        for (index, piece) in arena.pieces.enumerated() {
            let part = arena.part(of: arena.source, piece)
            part[index * 7 % part.count] = kept[index]
        }
        guard invalid == arena.pieces.count else { throw wrong("takes invalid text for valid") }
        guard try count() == 0 else { throw wrong("takes valid text for invalid") }
    }

    /// XORs all pieces with the key of the check.
    private func mask(_ start: UnsafeMutablePointer<UInt8>) {
        for piece in arena.pieces {
            let part = arena.part(of: start, piece)
            Wire.mask(part, Self.key)
        }
    }

    private func compare(
        _ one: UnsafeMutablePointer<UInt8>, to other: UnsafeMutablePointer<UInt8>
    ) throws {
        for piece in arena.pieces
        where !arena.part(of: one, piece).elementsEqual(arena.part(of: other, piece)) {
            throw wrong("does not make the octets it should")
        }
    }

    private func wrong(_ what: String) -> Failure {
        Failure("\(subject), \(arena.content.rawValue): \(what)")
    }
}
