// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@Suite("RFC 7692 section 7.1: negotiation") struct NegotiationTests {
    /// What a client offers, what a server answers, and what both then know.
    struct Row: Sendable, CustomStringConvertible {
        var offers: [String]
        var settings = DeflateSettings(serverMaxWindowBits: 15, clientMaxWindowBits: 15)
        /// nil when every offer is declined.
        var answer: String?
        var bits = (server: 15, client: 15)
        var resets = (server: false, client: false)
        var description: String { offers.joined(separator: " | ") }
    }

    private static let small = DeflateSettings()
    private static let forgetful = DeflateSettings(
        serverMaxWindowBits: 15, clientMaxWindowBits: 15, serverContextTakeover: false,
        clientContextTakeover: false)

    private static let accepted: [Row] = [
        Row(offers: ["permessage-deflate"], answer: "permessage-deflate"),
        // A server may tell of a smaller window that nobody asked for, and of no takeover.
        Row(
            offers: ["permessage-deflate"], settings: small,
            answer: "permessage-deflate; server_max_window_bits=12", bits: (12, 15)),
        Row(
            offers: ["permessage-deflate"], settings: forgetful,
            answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            resets: (true, true)),
        // What browsers send.
        Row(
            offers: ["permessage-deflate; client_max_window_bits"],
            answer: "permessage-deflate"),
        Row(
            offers: ["permessage-deflate; client_max_window_bits"], settings: small,
            answer:
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
            bits: (12, 12)),
        // Each parameter, with and without a value, quoted or not.
        Row(
            offers: ["permessage-deflate; server_no_context_takeover"],
            answer: "permessage-deflate; server_no_context_takeover", resets: (true, false)),
        Row(
            offers: ["permessage-deflate; client_no_context_takeover"],
            answer: "permessage-deflate; client_no_context_takeover", resets: (false, true)),
        Row(
            offers: ["permessage-deflate; server_max_window_bits=9"],
            answer: "permessage-deflate; server_max_window_bits=9", bits: (9, 15)),
        Row(
            offers: ["permessage-deflate; server_max_window_bits=\"10\""],
            answer: "permessage-deflate; server_max_window_bits=10", bits: (10, 15)),
        Row(
            offers: ["permessage-deflate; server_max_window_bits=15"],
            answer: "permessage-deflate; server_max_window_bits=15"),
        Row(
            offers: ["permessage-deflate; server_max_window_bits=15"], settings: small,
            answer: "permessage-deflate; server_max_window_bits=12", bits: (12, 15)),
        Row(
            offers: ["permessage-deflate; client_max_window_bits=10"],
            answer: "permessage-deflate; client_max_window_bits=10", bits: (15, 10)),
        Row(
            offers: ["permessage-deflate; client_max_window_bits=15"],
            answer: "permessage-deflate"),
        // A hint of 8 is a limit that a client sets itself.
        Row(
            offers: ["permessage-deflate; client_max_window_bits=8"], settings: small,
            answer: "permessage-deflate; server_max_window_bits=12; client_max_window_bits=8",
            bits: (12, 8)),
        Row(
            offers: [
                "permessage-deflate; client_max_window_bits=\"11\"; server_no_context_takeover; "
                    + "server_max_window_bits=13; client_no_context_takeover"
            ],
            answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "server_max_window_bits=13; client_max_window_bits=11",
            bits: (13, 11), resets: (true, true)),
        // The first acceptable offer wins, in one field line or several.
        Row(
            offers: [
                "permessage-deflate; server_max_window_bits=10, permessage-deflate"
            ],
            answer: "permessage-deflate; server_max_window_bits=10", bits: (10, 15)),
        Row(
            offers: [
                "permessage-deflate; server_max_window_bits=8",
                "x-other, permessage-deflate; server_max_window_bits=11", "permessage-deflate",
            ],
            answer: "permessage-deflate; server_max_window_bits=11", bits: (11, 15)),
        Row(
            offers: ["permessage-deflate; unknown", "permessage-deflate"],
            answer: "permessage-deflate"),
    ]

    /// Declined, while the handshake goes on.
    private static let declined: [String] = [
        "x-webkit-deflate-frame", "permessage-bzip2", "Permessage-Deflate2",
        "permessage-deflate; unknown", "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=\"true\"",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=0",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=1000000000000000000000",
        "permessage-deflate; server_max_window_bits=-9",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=0x9",
        "permessage-deflate; server_max_window_bits=ten",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=09",
        "permessage-deflate; client_max_window_bits=1O",
        "permessage-deflate; Server_Max_Window_Bits=10",
    ]

    private func request(_ offers: [String]) throws -> HandshakeRequest {
        try HandshakeRequest(
            validating: handshakeHead(adding: offers.map { "Sec-WebSocket-Extensions: \($0)" }))
    }

    @Test(arguments: accepted)
    func `an offer is answered, and the client understands the answer`(row: Row) throws {
        let request = try request(row.offers)
        let answer = try #require(
            PerMessageDeflate.answer(request.extensions, with: row.settings))
        #expect(answer.response.description == row.answer)
        #expect(answer.agreed.serverMaxWindowBits == row.bits.server)
        #expect(answer.agreed.clientMaxWindowBits == row.bits.client)
        #expect(answer.agreed.serverNoContextTakeover == row.resets.server)
        #expect(answer.agreed.clientNoContextTakeover == row.resets.client)
        let understood = try PerMessageDeflate(
            accepted: [answer.response], for: request.extensions,
            with: DeflateSettings(serverMaxWindowBits: 15, clientMaxWindowBits: 15))
        let client = try #require(understood)
        #expect(client.serverMaxWindowBits == row.bits.server)
        #expect(client.clientMaxWindowBits == row.bits.client)
        #expect(client.serverNoContextTakeover == row.resets.server)
        #expect(client.clientNoContextTakeover == row.resets.client)
        // And it may stand in the 101.
        _ = try HandshakeResponse.accept(request, extensions: [answer.response])
    }

    @Test(arguments: declined)
    func `an offer that cannot be accepted is declined`(offer: String) throws {
        let request = try request([offer])
        #expect(PerMessageDeflate.answer(request.extensions, with: DeflateSettings()) == nil)
        _ = try HandshakeResponse.accept(request)
    }

    @Test(arguments: [
        (
            DeflateSettings(),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
        ),
        (
            DeflateSettings(serverMaxWindowBits: 15, clientMaxWindowBits: 15),
            "permessage-deflate; client_max_window_bits"
        ),
        (
            DeflateSettings(
                serverMaxWindowBits: 99, clientMaxWindowBits: -1, serverContextTakeover: false,
                clientContextTakeover: false),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "client_max_window_bits=9"
        ),
    ])
    func `a client offers what its settings want`(settings: DeflateSettings, offer: String) {
        #expect(settings.offer.description == offer)
    }

    /// RFC 7692 section 5.1: the client fails the connection on what it did not offer.
    @Test(
        "an answer that is none",
        arguments: [
            ("permessage-deflate", [.init("unknown")]),
            ("permessage-deflate", [.init("server_max_window_bits")]),
            ("permessage-deflate", [.init("server_max_window_bits", "16")]),
            ("permessage-deflate", [.init("client_max_window_bits", "10")]),
            ("permessage-deflate; client_max_window_bits", [.init("client_max_window_bits")]),
            ("permessage-deflate; client_max_window_bits", [.init("client_max_window_bits", "7")]),
            ("permessage-deflate; server_max_window_bits=10", []),
            (
                "permessage-deflate; server_max_window_bits=10",
                [.init("server_max_window_bits", "11")]
            ),
            ("permessage-deflate; server_no_context_takeover", []),
            ("permessage-deflate", [.init("server_no_context_takeover", "1")]),
            (
                "permessage-deflate",
                [.init("client_no_context_takeover"), .init("client_no_context_takeover")]
            ),
        ] as [(String, [ExtensionOffer.Parameter])])
    func noAnswer(offer: String, parameters: [ExtensionOffer.Parameter]) throws {
        let offers = try request([offer]).extensions
        let error = #expect(throws: HandshakeResponseError.self) {
            try PerMessageDeflate(
                accepted: [ExtensionOffer("permessage-deflate", parameters)], for: offers,
                with: DeflateSettings())
        }
        #expect(error?.reason == .extensionParameters)
    }

    @Test func `a client that gets no answer goes on without`() throws {
        let offers = try request(["permessage-deflate"]).extensions
        #expect(
            try PerMessageDeflate(accepted: [], for: offers, with: DeflateSettings()) == nil)
    }

    @Test func `a client told to use 8 bits sends everything as it is`() throws {
        let agreed = try #require(
            try PerMessageDeflate(
                accepted: [
                    ExtensionOffer("permessage-deflate", [.init("client_max_window_bits", "8")])
                ],
                for: [DeflateSettings(serverMaxWindowBits: 15).offer], with: DeflateSettings()))
        let contexts = try #require(
            CompressionContexts(agreed, role: .client, pool: CompressionPool()))
        var client = Endpoint(role: .client, compression: contexts)
        var output: [UInt8] = []
        try client.send(.text(String(repeating: "a", count: 2000)), compress: true, into: &output)
        #expect(output[0] == 0x81)
    }
}
