// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// What the codec does, and `wsbench codec` times.
enum CodecOperation: String, CaseIterable, ExpressibleByArgument, CustomStringConvertible {
    case mask, utf8, fused
    case fusedCopy = "fused-copy"
    case parse, encode, decode, deflate, inflate

    var description: String { rawValue }

    /// The contents that it makes a difference with.
    var contents: [Content] {
        switch self {
        case .mask, .encode: [.binary]
        case .utf8, .fused, .fusedCopy: Content.texts
        case .parse, .decode: Content.allCases
        case .deflate, .inflate: [.json, .ascii, .threeOctet]
        }
    }

    var alignments: [Alignment] { self == .mask ? [.aligned, .misaligned] : [.aligned] }

    /// One contest of this operation.
    func contest(
        _ content: Content, _ size: MessageSize, _ alignment: Alignment, _ subjects: Subjects
    ) throws -> Contest {
        switch self {
        case .mask: try .mask(content, size, alignment, subjects)
        case .utf8: try .utf8(content, size, alignment, subjects)
        case .fused: try .fused(content, size, alignment, subjects, copies: false)
        case .fusedCopy: try .fused(content, size, alignment, subjects, copies: true)
        case .parse: try .parse(content, size, subjects)
        case .encode: try .encode(content, size)
        case .decode: try .decode(content, size)
        case .deflate: try .deflate(content, size)
        case .inflate: try .inflate(content, size)
        }
    }
}

/// Who takes part where there is a choice.
struct Subjects {
    var kernels: [Kernel]
    /// The naive loops and NIO, which are slow enough to be left out where only targets count.
    var hasOutsiders = true
    /// Whether a library of simdutf was given.
    var hasSimdutf = false
}
