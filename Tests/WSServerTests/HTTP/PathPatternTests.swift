// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSServer

@Suite("A path pattern") struct PathPatternTests {
    @Test func `is literals and parameters`() throws {
        let pattern = try PathPattern("/rooms/{room}/users/{user_2}/%7Ea.b")
        #expect(pattern.names == ["room", "user_2"])
        #expect(
            pattern.segments == [
                .literal(Array("rooms".utf8)), .parameter("room"), .literal(Array("users".utf8)),
                .parameter("user_2"), .literal(Array("%7Ea.b".utf8)),
            ])
        #expect(try PathPattern("/").segments == [.literal([])])
        #expect(try PathPattern("/a/").segments == [.literal(Array("a".utf8)), .literal([])])
    }

    @Test(
        "that cannot be one is refused with its reason",
        arguments: [
            ("", "begins with a slash"),
            ("rooms", "begins with a slash"),
            ("//", "empty segment"),
            ("/a//b", "empty segment"),
            ("/{}", "no name"),
            ("/{a b}", "no name"),
            ("/{a-b}", "no name"),
            ("/{a}/{a}", "two parameters"),
            ("/{a", "characters"),
            ("/a}", "characters"),
            ("/{a}.txt", "characters"),
            ("/a?b", "characters"),
            ("/a#b", "characters"),
            ("/a b", "characters"),
            ("/caf\u{E9}", "characters"),
        ])
    func isRefused(text: String, reason: String) throws {
        let mistake = try #require(throws: PathPattern.Mistake.self) { try PathPattern(text) }
        #expect(mistake.description.contains(reason))
        #expect(mistake.description.hasPrefix("route \"\(text)\""))
    }

    @Test func `is the same path as another whatever its parameters are called`() throws {
        let pattern = try PathPattern("/a/{x}")
        #expect(pattern.isSamePath(as: try PathPattern("/a/{y}")))
        #expect(!pattern.isSamePath(as: try PathPattern("/a/b")))
        #expect(!pattern.isSamePath(as: try PathPattern("/a/{x}/")))
    }
}
