// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

/// The case classes of the Autobahn testsuite, groups 1 to 7, in both roles. Cases that only cut
/// a stream in another way (such as 2.6, 5.4, 5.5) are the segmentations of the same sample.
@Suite("Conformance, Autobahn groups 1 to 7") struct ConformanceTests {
    /// An endpoint must not care how TCP cut the stream, and must name the same violation.
    @Test(arguments: WireSample.all, [Role.server, .client])
    func `a stream means the same however it is cut`(sample: WireSample, role: Role) throws {
        let expected = Reception(expectedOf: sample)
        try Segmentation.forEach(of: sample.octets(to: role)) { pieces in
            for inPlace in [false, true] {
                let reception = Reception(of: pieces, by: role, inPlace: inPlace).withoutPlace
                try #require(reception == expected, "cut into \(pieces.map(\.count)), \(inPlace)")
            }
        }
    }

    /// Octet by octet, a violation is seen on the octet that the slow decoder sees it on.
    @Test(arguments: WireSample.all, [Role.server, .client])
    func `a violation is seen on the earliest octet`(sample: WireSample, role: Role) {
        let octets = sample.octets(to: role)
        let reception = Reception(of: octets.indices.map { octets[$0...$0] }, by: role)
        var naive = NaiveDecoder(role: role)
        for octet in octets { naive.receive(octet) }
        #expect(reception.messages.elementsEqual(naive.messages) { $0.isIdentical(to: $1) })
        #expect(reception.violation.map { ProtocolError($0).closeCode } == naive.failure)
        #expect(reception.violationAt == naive.failedAt)
    }

    @Test func `the table has every class of group 6`() {
        let numbers = Set(
            WireSample.text.compactMap { $0.name.split(separator: ".").dropFirst().first })
        for group in 1...23 { #expect(numbers.contains("\(group)")) }
        #expect(WireSample.text.count { $0.name.hasPrefix("6.22.") } == 34)
    }
}
