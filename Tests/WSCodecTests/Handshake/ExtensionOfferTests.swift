// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@Suite("RFC 6455 section 9.1: extensions") struct ExtensionOfferTests {
    private func offers(_ values: [String]) throws -> [ExtensionOffer]? {
        let head = try handshakeHead(adding: values.map { "Sec-WebSocket-Extensions: \($0)" })
        do {
            return try HandshakeRequest(validating: head).extensions
        } catch {
            #expect(error.reason == .malformedExtensions)
            return nil
        }
    }

    @Test(
        "what follows the grammar",
        arguments: [
            ([], []),
            (["foo"], [ExtensionOffer("foo")]),
            (["foo, bar"], [ExtensionOffer("foo"), ExtensionOffer("bar")]),
            // The examples of section 9.1.
            (
                ["foo", "bar; baz=2"],
                [ExtensionOffer("foo"), ExtensionOffer("bar", [.init("baz", "2")])]
            ),
            (["deflate-stream"], [ExtensionOffer("deflate-stream")]),
            (
                ["mux; max-channels=4; flow-control, deflate-stream"],
                [
                    ExtensionOffer("mux", [.init("max-channels", "4"), .init("flow-control")]),
                    ExtensionOffer("deflate-stream"),
                ]
            ),
            (["private-extension"], [ExtensionOffer("private-extension")]),
            // What browsers send, and an offer with its fall-back (RFC 7692 section 7.1).
            (
                ["permessage-deflate; client_max_window_bits"],
                [ExtensionOffer("permessage-deflate", [.init("client_max_window_bits")])]
            ),
            (
                ["permessage-deflate; server_max_window_bits=10", "permessage-deflate"],
                [
                    ExtensionOffer("permessage-deflate", [.init("server_max_window_bits", "10")]),
                    ExtensionOffer("permessage-deflate"),
                ]
            ),
            // Quoted values, and quoted octets in them.
            (["a; b=\"c\""], [ExtensionOffer("a", [.init("b", "c")])]),
            (["a; b=\"1\\0\""], [ExtensionOffer("a", [.init("b", "10")])]),
            (["a;b=\"\\c\\d\";e"], [ExtensionOffer("a", [.init("b", "cd"), .init("e")])]),
            // White space around separators, empty list elements.
            (["a ;b = c\t, d"], [ExtensionOffer("a", [.init("b", "c")]), ExtensionOffer("d")]),
            ([",a,, b ,"], [ExtensionOffer("a"), ExtensionOffer("b")]),
            (["", "a"], [ExtensionOffer("a")]),
            // A parameter twice is the extension's to judge; names are like any other.
            (["a; b=1; b=2"], [ExtensionOffer("a", [.init("b", "1"), .init("b", "2")])]),
            (
                ["constructor; __proto__=x"],
                [ExtensionOffer("constructor", [.init("__proto__", "x")])]
            ),
        ] as [([String], [ExtensionOffer])])
    func follows(values: [String], expected: [ExtensionOffer]) throws {
        #expect(try offers(values) == expected)
    }

    @Test(
        "what does not",
        arguments: [
            "", ",", " , ", ";", "=", "a b", "a;", "a;;b", "a; b=", "a; =c", "a=b", "a; b=c d",
            "a; b c", "a; b=c=d", "a; b=\"", "a; b=\"c", "a; b=\"\"", "a; b=\"c d\"",
            "a; b=\"c,d\"", "a; b=\"c\"d", "a; b=\"\\\"", "a; b=\"\\", "a; b=\"\\\"\"", "\"a\"",
            "a; \"b\"", "a/b", "a; b=(c)", "a,b;", "a,;b", "\u{E9}", "a; b=\u{E9}", "a; b='c;",
            "a\\b",
        ])
    func malformed(value: String) throws {
        #expect(try offers([value]) == nil)
        #expect(try offers(["good", value + " ;"]) == nil)
    }

    @Test func `an element is written as it is read`() throws {
        let offer = ExtensionOffer("a", [.init("b"), .init("c", "10"), .init("d", "e")])
        #expect(offer.description == "a; b; c=10; d=e")
        #expect(try offers([offer.description]) == [offer])
    }
}
