// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

/// Streams of frames, right and wrong, in every order, against the decoder that was written from
/// the RFC without a thought for speed. A failure prints the seed that repeats it.
@Suite("Random streams against the slow decoder") struct RandomStreamTests {
    private static let limits = Limits(
        messageSizeMaxBytes: 300, frameSizeMaxBytes: 200, fragmentCountMax: 6)

    @Test(arguments: 1...600 as ClosedRange<UInt64>, [Role.client, .server])
    func `both make the same of them`(seed: UInt64, role: Role) {
        var generator = SplitMix(state: seed)
        let octets = randomStream(to: role, using: &generator)
        var naive = NaiveDecoder(role: role, limits: Self.limits)
        for octet in octets { naive.receive(octet) }

        let single = Reception(
            of: octets.indices.map { octets[$0...$0] }, by: role, limits: Self.limits)
        #expect(single.messages.elementsEqual(naive.messages) { $0.isIdentical(to: $1) })
        #expect(single.violation.map { ProtocolError($0).closeCode } == naive.failure)
        #expect(single.violationAt == naive.failedAt)
        for _ in 0..<4 {
            let pieces = randomPieces(of: octets, using: &generator)
            let cut = Reception(of: pieces, by: role, limits: Self.limits)
            #expect(cut.withoutPlace == single.withoutPlace)
            let inPlace = Reception(of: pieces, by: role, limits: Self.limits, inPlace: true)
            #expect(inPlace == cut)
        }
    }

    private func randomStream(to role: Role, using generator: inout SplitMix) -> [UInt8] {
        var octets: [UInt8] = []
        var isOpen = false
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            let frame = randomFrame(isOpen: &isOpen, using: &generator)
            let key = (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            octets += frame.octets(to: role, key: key)
        }
        // One stream in two is damaged somewhere.
        if Bool.random(using: &generator) {
            let place = Int.random(in: 0..<octets.count, using: &generator)
            octets[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        }
        return octets
    }

    private func randomFrame(isOpen: inout Bool, using generator: inout SplitMix) -> WireFrame {
        let size = [0, 1, 2, 7, 60, 125, 126, 130, 201].randomElement(using: &generator) ?? 0
        switch Int.random(in: 0...19, using: &generator) {
        case 0: return .close(1000, [UInt8]("bye €".utf8))
        case 1...3: return .ping(randomOctets(min(size, 125), using: &generator))
        case 4: return .pong(randomOctets(min(size, 125), using: &generator))
        case 5: return WireFrame(UInt8.random(in: 0...15, using: &generator))
        default:
            let isFinal = Int.random(in: 0...2, using: &generator) > 0
            defer { isOpen = !isFinal }
            if isOpen {
                return .continuation(randomText(size, using: &generator), isFinal: isFinal)
            }
            return Bool.random(using: &generator)
                ? .text(randomText(size, using: &generator), isFinal: isFinal)
                : .binary(randomOctets(size, using: &generator), isFinal: isFinal)
        }
    }

    private func randomOctets(_ count: Int, using generator: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// UTF-8 of all lengths, at most `count` octets, now and then cut inside a character.
    private func randomText(_ count: Int, using generator: inout SplitMix) -> [UInt8] {
        let characters = ["a", "é", "€", "𤭢", "\u{0}", "\u{FFFF}", "\u{10FFFF}", "\u{7FF}"]
        var octets: [UInt8] = []
        while octets.count < count {
            octets += characters.randomElement(using: &generator)?.utf8.map(\.self) ?? []
        }
        let isCut = Int.random(in: 0...7, using: &generator) == 0
        while octets.count > count, !isCut { octets = octets.dropLast { $0 & 0xC0 == 0x80 } }
        return [UInt8](octets.prefix(count))
    }

    private func randomPieces(
        of octets: [UInt8], using generator: inout SplitMix
    ) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = octets[...]
        let longest = [3, 20, 150].randomElement(using: &generator) ?? 20
        while !rest.isEmpty {
            let count = Int.random(in: 0...min(longest, rest.count), using: &generator)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}

extension [UInt8] {
    /// Without the last octet for which `isRest` is false, and those behind it.
    fileprivate func dropLast(while isRest: (UInt8) -> Bool) -> [UInt8] {
        guard let start = lastIndex(where: { !isRest($0) }) else { return [] }
        return [UInt8](self[..<start])
    }
}
