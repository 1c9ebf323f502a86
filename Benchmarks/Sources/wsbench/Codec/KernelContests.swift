// SPDX-License-Identifier: Apache-2.0
import CYardstick

extension Contest {
    static let mask = "mask"
    static let utf8 = "utf8"
    static let fused = "fused"
    static let twoPasses = "two passes"
    static let naive = "naive"
    static let nio = "NIO"
    static let simdutf = "simdutf"

    /// XORs with a key, in place.
    static func mask(
        _ content: Content, _ size: MessageSize, _ alignment: Alignment, _ subjects: Subjects
    ) throws -> Contest {
        let arena = Arena(content, size, alignment)
        var contenders = [try arena.contender(Contender.memcpy, YARDSTICK_MEMCPY)]
        for kernel in subjects.kernels {
            contenders.append(
                try arena.contender(
                    mask, YARDSTICK_MASK, kernel: kernel, rivals: outsiders(subjects)))
        }
        if subjects.hasOutsiders {
            contenders.append(try arena.contender(naive, YARDSTICK_MASK_NAIVE))
            contenders.append(try NIOMasking(arena).contender())
        }
        return Contest(.mask, arena, size, alignment, contenders)
    }

    private static func outsiders(_ subjects: Subjects) -> [Contender.Rival] {
        subjects.hasOutsiders ? [.init(name: naive), .init(name: nio)] : []
    }

    /// Validates UTF-8.
    static func utf8(
        _ content: Content, _ size: MessageSize, _ alignment: Alignment, _ subjects: Subjects
    ) throws -> Contest {
        let arena = Arena(content, size, alignment)
        var rivals: [Contender.Rival] = []
        if subjects.kernels.contains(.plain) {
            rivals.append(.init(name: utf8, kernel: .plain, label: "plain"))
        }
        if subjects.hasOutsiders { rivals.append(.init(name: naive)) }
        if subjects.hasSimdutf { rivals.append(.init(name: simdutf)) }
        var contenders = [try arena.contender(Contender.memcpy, YARDSTICK_MEMCPY)]
        for kernel in subjects.kernels {
            contenders.append(
                try arena.contender(utf8, YARDSTICK_UTF8, kernel: kernel, rivals: rivals))
        }
        if subjects.hasOutsiders {
            contenders.append(try arena.contender(naive, YARDSTICK_UTF8_NAIVE))
        }
        if subjects.hasSimdutf {
            contenders.append(try arena.contender(simdutf, YARDSTICK_UTF8_SIMDUTF))
        }
        return Contest(.utf8, arena, size, alignment, contenders)
    }

    /// XORs with a key and validates UTF-8, in place or from one place to another.
    static func fused(
        _ content: Content, _ size: MessageSize, _ alignment: Alignment, _ subjects: Subjects,
        copies: Bool
    ) throws -> Contest {
        let arena = Arena(content, size, alignment)
        var contenders = [try arena.contender(Contender.memcpy, YARDSTICK_MEMCPY)]
        for kernel in subjects.kernels {
            var rivals: [Contender.Rival] = [.init(name: twoPasses, kernel: kernel)]
            if subjects.hasOutsiders { rivals.append(.init(name: naive)) }
            contenders.append(
                try arena.contender(
                    fused, copies ? YARDSTICK_FUSED_COPY : YARDSTICK_FUSED, kernel: kernel,
                    rivals: rivals))
            contenders.append(
                try arena.contender(
                    twoPasses, copies ? YARDSTICK_TWO_PASSES_COPY : YARDSTICK_TWO_PASSES,
                    kernel: kernel))
        }
        if subjects.hasOutsiders {
            contenders.append(
                try arena.contender(
                    naive, copies ? YARDSTICK_TWO_PASSES_COPY_NAIVE : YARDSTICK_TWO_PASSES_NAIVE))
        }
        return Contest(copies ? .fusedCopy : .fused, arena, size, alignment, contenders)
    }

    init(
        _ operation: CodecOperation, _ arena: Arena, _ size: MessageSize, _ alignment: Alignment,
        _ contenders: [Contender]
    ) {
        self.init(
            operation: operation, content: arena.content, size: size,
            alignment: size == .mix ? .packed : alignment, messages: arena.pieces.count,
            octets: arena.octets, contenders: contenders)
    }
}
