// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSServer
import WireSamples

/// permessage-deflate on a live socket: who gets it, what it costs, and that it is given back.
@Suite("RFC 7692: compressed conversations", .timeLimit(.minutes(3))) struct CompressionTests {
    private static let offer =
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    private static let text = String(repeating: "The same again and again. ", count: 200)

    @Test(arguments: Setup.all)
    func `the 101 says what is agreed on, and nothing where it is off`(setup: Setup) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/default") { _ in setup.echo(runs: runs) }
        router.get("/off") { _ in setup.echo(options: .init(compression: .off), runs: runs) }
        router.get("/small") { _ in
            setup.echo(
                options: .init(
                    compression: .on(
                        DeflateSettings(
                            serverMaxWindowBits: 9, clientMaxWindowBits: 10,
                            serverContextTakeover: false))), runs: runs)
        }
        let configuration = setup.configuration { $0.compression = .on() }
        try await withServer(router, configuration) { _, address in
            for (path, value) in [
                (
                    "/default",
                    "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"
                ),
                ("/off", nil),
                (
                    "/small",
                    "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; "
                        + "client_max_window_bits=10"
                ),
            ] {
                let client = try RawClient(address)
                try client.send(RawClient.handshake(path, [Self.offer]))
                let reply = try client.readReply()
                #expect(reply.status == 101)
                #expect(reply.value(of: "sec-websocket-extensions") == value, "\(path)")
                // Without an offer there is nothing to accept.
                try client.closeCleanly()
                let plain = try RawClient(address, upgradedAt: path)
                try plain.closeCleanly()
            }
        }
        try await withServer(router, setup.configuration()) { _, address in
            let client = try RawClient(address)
            try client.send(RawClient.handshake("/default", [Self.offer]))
            #expect(try client.readReply().value(of: "sec-websocket-extensions") == nil)
            try client.closeCleanly()
        }
        #expect(runs.value == 7)
    }

    @Test(arguments: Setup.all)
    func `compressed and plain messages come back, in order, whole`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration { $0.compression = .on() }
        try await withServer(router, configuration) { server, address in
            let client = try CompressingClient(address, "/")
            let sent: [Message] = [
                .text(Self.text), .text("short"), .binary(Array(Self.text.utf8)), .text(""),
                .binary(Array(repeating: 0, count: 300_000)), .text(Self.text),
            ]
            try client.send(sent, compress: true)
            #expect(client.octetsSent < 10_000)
            #expect(try client.messages(sent.count) == sent)
            #expect(await server.settles { $0.compressionBytes > 40_000 })
            client.socket.reset()
        }
    }

    @Test(arguments: Setup.all)
    func `without context takeover sockets hold nothing between messages`(
        setup: Setup
    ) async throws {
        var router = Router()
        let settings = DeflateSettings(
            serverContextTakeover: false, clientContextTakeover: false)
        router.get("/") { _ in
            setup.echo(options: .init(compression: .on(settings)), runs: Counter())
        }
        try await withServer(router, setup.configuration()) { server, address in
            let client = try CompressingClient(address, "/", offer: settings)
            for _ in 0..<3 {
                try client.send([.text(Self.text)])
                #expect(try client.messages(1) == [.text(Self.text)])
                #expect(await server.settles { $0.compressionBytes == 0 })
            }
            try client.socket.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `the sender of a message may say whether it is compressed`(setup: Setup) async throws {
        var router = Router()
        router.get("/") { _ in
            switch setup.door {
            case .conversation:
                .upgrade { socket in
                    try await socket.send(.text(Self.text), compress: false)
                    try await socket.send(.text(Self.text))
                    try await socket.send(
                        contentsOf: [.text(String(repeating: "a", count: 90))], compress: true)
                    #expect(socket.compression?.serverMaxWindowBits == 12)
                    #expect(await socket.compressionBytes > 0)
                    let elsewhere = Task.detached {
                        (await socket.compressionBytes, await socket.bufferedAmount)
                    }
                    let (compressionBytes, bufferedAmount) = await elsewhere.value
                    #expect(compressionBytes > 0)
                    #expect(bufferedAmount >= 0)
                }
            case .callback:
                .upgrade(handler: { Talker() })
            }
        }
        let configuration = setup.configuration { $0.compression = .on() }
        try await withServer(router, configuration) { _, address in
            let client = try CompressingClient(address, "/")
            let frames = try client.socket.readFrames(3)
            #expect(frames.map(\.reserved) == [0, 4, 4])
            #expect(frames[0].payload.count == Self.text.utf8.count)
            try client.socket.answerClose()
        }
    }

    private struct Talker: SocketHandler {
        mutating func opened(_ socket: LoopSocket) {
            socket.send(.text(CompressionTests.text), compress: false)
            socket.send(.text(CompressionTests.text))
            socket.send(contentsOf: [.text(String(repeating: "a", count: 90))], compress: true)
            #expect(socket.compression?.serverMaxWindowBits == 12)
            #expect(socket.compressionBytes > 0)
            socket.close()
        }
        mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {}
    }

    @Test(arguments: Setup.all)
    func `a silent socket gives its compressor up, and compresses on`(
        setup: Setup
    ) async throws {
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter()) }
        let configuration = setup.configuration {
            $0.compression = .on()
            $0.limits.compressorIdleTimeout = .milliseconds(1)
        }
        try await withServer(router, configuration) { server, address in
            let client = try CompressingClient(address, "/")
            for _ in 0..<3 {
                try client.send([.text(Self.text)])
                #expect(try client.messages(1) == [.text(Self.text)])
                // What is left is the decompressor's: the peer may refer to what it sent.
                #expect(await server.settles { (1...12_000).contains($0.compressionBytes) })
            }
            try client.socket.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `past the budget handshakes decline the extension and go on`(
        setup: Setup
    ) async throws {
        let runs = Counter()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: runs) }
        let budget = CompressionBudget(limitBytes: 120_000)
        let configuration = setup.configuration {
            $0.compression = .on()
            $0.compressionBudget = budget
        }
        try await withServer(router, configuration) { _, address in
            var accepted: [RawClient] = []
            var declined: RawClient?
            while declined == nil {
                let client = try RawClient(address)
                try client.send(RawClient.handshake("/", [Self.offer]))
                let reply = try client.readReply()
                try #require(reply.status == 101)
                if reply.value(of: "sec-websocket-extensions") == nil {
                    declined = client
                } else {
                    accepted.append(client)
                    try #require(accepted.count < 20)
                }
            }
            #expect(budget.takenBytes <= 120_000)
            try declined?.send(.text("plain"))
            #expect(try declined?.readFrame() == .text("plain"))
            for client in accepted { try client.closeCleanly() }
            try declined?.closeCleanly()
            // The memory is there again.
            #expect(try await eventually { budget.takenBytes == 0 })
            let client = try CompressingClient(address, "/")
            try client.socket.closeCleanly()
        }
    }

    @Test(arguments: Setup.all)
    func `a bomb closes with 1009, corrupt data with 1007, and others are served`(
        setup: Setup
    ) async throws {
        let ends = CloseInfos()
        var router = Router()
        router.get("/") { _ in setup.echo(runs: Counter(), ends: ends) }
        let configuration = setup.configuration { $0.compression = .on() }
        try await withServer(router, configuration) { _, address in
            let neighbour = try RawClient(address, upgradedAt: "/")
            let bomb = Message.binary([UInt8](repeating: 0, count: 64 << 20))
            let corrupt: [UInt8] = [0x06, 0x00]
            let noText: [UInt8] = [0x00, 0x02, 0x00, 0xFD, 0xFF, 0xC3, 0x28]
            for (payload, code) in [
                (nil, 1009), (corrupt, 1007), (noText, 1007),
            ] as [([UInt8]?, UInt16)] {
                let client = try CompressingClient(
                    address, "/", offer: DeflateSettings(level: 9, memoryLevel: 9))
                if let payload {
                    try client.socket.send(WireFrame(1, payload).reserved(4))
                } else {
                    try client.send([bomb])
                    #expect(client.octetsSent < 66_000)
                }
                let (answers, _) = try client.socket.readFramesToEnd()
                #expect(answers.map(\.closeCode) == [code])
                try neighbour.send(.text("still there"))
                #expect(try neighbour.readFrame() == .text("still there"))
            }
            try neighbour.closeCleanly()
            #expect(try await eventually { ends.all.count == 4 })
        }
    }
}

extension RawClient {
    /// Waits for the server's Close, answers it, and waits for the end of TCP.
    fileprivate func answerClose() throws {
        #expect(try readFrame() == .close(1000))
        try send(.close(1000))
        try readEnd()
    }
}
