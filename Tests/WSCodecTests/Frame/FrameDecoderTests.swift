// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSCodec
import WireSamples

/// What permessage-deflate will stand on: RSV1 allowed, messages handed on as they came.
@Suite("FrameDecoder: reserved bit 1 when an extension uses it") struct FrameDecoderTests {
    private struct Part: Equatable {
        var octets: [UInt8]
        var isCompressed: Bool
        var endsMessage: Bool
    }

    private func parts(
        of frames: [WireFrame], limits: Limits = Limits()
    ) throws(ProtocolError) -> [Part] {
        var decoder = FrameDecoder(role: .server, limits: limits, allowing: .rsv1)
        var octets = frames.flatMap { $0.octets(to: .server) }
        var span = octets.mutableSpan
        var parts: [Part] = []
        while let part = try decoder.next(in: &span) {
            parts.append(
                Part(
                    octets: part.range.map { span[$0] }, isCompressed: part.isCompressed,
                    endsMessage: part.endsMessage))
        }
        return parts
    }

    @Test func `a compressed text is unmasked and not validated`() throws {
        let parts = try parts(of: [.text([0xFF, 0xC0]).reserved(4), .text("a")])
        #expect(
            parts == [
                Part(octets: [0xFF, 0xC0], isCompressed: true, endsMessage: true),
                Part(octets: [0x61], isCompressed: false, endsMessage: true),
            ])
    }

    @Test func `its fragments carry the mark of the first`() throws {
        let parts = try parts(of: [
            .binary([1], isFinal: false).reserved(4), .ping([9]), .continuation([2]),
        ])
        #expect(
            parts == [
                Part(octets: [1], isCompressed: true, endsMessage: false),
                Part(octets: [9], isCompressed: false, endsMessage: true),
                Part(octets: [2], isCompressed: true, endsMessage: true),
            ])
    }

    @Test func `a continuation, a control frame and other bits may not have it`() {
        let refused: [[WireFrame]] = [
            [.text("a", isFinal: false).reserved(4), .continuation("b").reserved(4)],
            [.ping().reserved(4)], [.close(1000).reserved(4)],
            [.text("a").reserved(2)], [.text("a").reserved(1)], [.text("a").reserved(6)],
        ]
        for frames in refused {
            #expect(throws: ProtocolError(.reservedBits)) { try parts(of: frames) }
        }
    }
}
