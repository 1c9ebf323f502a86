// SPDX-License-Identifier: Apache-2.0
import CZlib
import Testing
import WSCodec
import WireSamples

@Suite("Memory of compression contexts", .serialized) struct ContextMemoryTests {
    private static let text = String(repeating: "All the same, all the same. ", count: 100)

    /// A message of the client's, compressed.
    private func octets(_ settings: DeflateSettings, isFinal: Bool = true) throws -> [UInt8] {
        var client = Endpoint.compressing(.client, settings)
        var octets: [UInt8] = []
        try client.send(.text, Self.text.utf8Span.span, isFinal: isFinal, into: &octets)
        #expect(octets[0] & 0x40 != 0)
        return octets
    }

    @Test func `what a context is said to take it takes, and no more`() {
        for bits: Int32 in 9...15 {
            for level: Int32 in 1...9 {
                let stream = czlib_deflate_open(2, bits, level)
                let said = czlib_deflate_memory(bits, level)
                #expect(czlib_memory(stream) <= said && said - czlib_memory(stream) < 1024)
                czlib_close(stream)
            }
            let stream = czlib_inflate_open(bits)
            let stored: [UInt8] = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0x61]
            var (used, made, out) = (0, 0, [UInt8](repeating: 0, count: 8))
            #expect(
                czlib_inflate(stream, stored, stored.count, &used, &out, out.count, &made)
                    == CZLIB_OK)
            let said = czlib_inflate_memory(bits)
            #expect(czlib_memory(stream) <= said && said - czlib_memory(stream) < 1024)
            czlib_close(stream)
        }
    }

    @Test func `contexts are made with the first message that needs them`() throws {
        let pool = testPool()
        do {
            var server = Endpoint.compressing(.server, pool: pool)
            #expect(server.compressionBytes == 0)
            var output: [UInt8] = []
            try server.send(.text(Self.text), compress: false, into: &output)
            _ = try server.receive(WireFrame.text("plain").octets(to: .server))
            #expect(server.compressionBytes == 0)
            #expect(try server.receive(octets(.everything)) == [.text(Self.text)])
            let inflating = server.compressionBytes
            #expect(inflating == czlib_inflate_memory(15))
            try server.send(.text(Self.text), into: &output)
            #expect(server.compressionBytes == inflating + czlib_deflate_memory(15, 5))
            #expect(pool.budget.takenBytes == server.compressionBytes)
            // A compressor may forget; what the peer refers to may not be forgotten.
            server.releaseIdleCompressor()
            #expect(server.compressionBytes == inflating)
            try server.send(.text(Self.text), into: &output)
            var client = Endpoint.compressing(.client)
            #expect(
                try client.receive(output) == Array(repeating: .text(Self.text), count: 3))
        }
        #expect(pool.budget.takenBytes == 0)
    }

    @Test func `without takeover an idle connection has no context`() throws {
        let pool = testPool()
        do {
            var servers = [0, 1, 2].map { _ in
                Boxed(Endpoint.compressing(.server, .eachByItself, pool: pool))
            }
            for server in servers {
                var output: [UInt8] = []
                try server.endpoint.send(.text(Self.text), into: &output)
                #expect(output[0] == 0xC1)
                #expect(try server.endpoint.receive(octets(.eachByItself)) == [.text(Self.text)])
                #expect(server.endpoint.compressionBytes == 0)
            }
            // One of each kind served all three.
            let shared = czlib_deflate_memory(15, 5) + czlib_inflate_memory(15)
            #expect(pool.idleBytes == Int(shared))
            #expect(pool.budget.takenBytes == pool.idleBytes)
            // Fragments hold what they need from the first to the last.
            let part = WireFrame.compressed(1, [0xF2, 0x48], isFinal: false)
            for server in servers {
                _ = try server.endpoint.receive(part.octets(to: .server))
                #expect(server.endpoint.compressionBytes == Int(czlib_inflate_memory(15)))
            }
            servers = []
            #expect(pool.budget.takenBytes == pool.idleBytes)
        }
        #expect(pool.budget.takenBytes == pool.idleBytes)
    }

    @Test func `a fragmented send keeps its compressor to itself`() throws {
        let pool = testPool()
        let (one, two) = (
            Boxed(Endpoint.compressing(.server, .eachByItself, pool: pool)),
            Boxed(Endpoint.compressing(.server, .eachByItself, pool: pool))
        )
        var (fromOne, fromTwo): ([UInt8], [UInt8]) = ([], [])
        let text = Self.text.utf8Span.span
        try one.endpoint.send(.text, text, isFinal: false, into: &fromOne)
        try two.endpoint.send(.text(Self.text), into: &fromTwo)
        one.endpoint.releaseIdleCompressor()
        try one.endpoint.send(.continuation, text, into: &fromOne)
        var client = Endpoint.compressing(.client, .eachByItself)
        #expect(
            try client.receive(fromOne + fromTwo) == [
                .text(Self.text + Self.text), .text(Self.text),
            ])
    }

    @Test func `past the budget the extension is declined`() throws {
        let agreed = agreement(DeflateSettings())
        let needed = agreed.contextBytesMax(.server)
        #expect(needed < 84 * 1024)
        let pool = testPool(budget: 3 * needed)
        var taken: [CompressionContexts] = []
        while let contexts = CompressionContexts(agreed, role: .server, pool: pool) {
            taken.append(contexts)
            try #require(taken.count < 100)
        }
        // Compressors are asked for later, so more than three fit.
        #expect(taken.count > 3)
        #expect(pool.budget.takenBytes <= pool.budget.limitBytes)
        #expect(pool.budget.takenBytes > pool.budget.limitBytes - needed)
        taken.removeLast()
        #expect(CompressionContexts(agreed, role: .server, pool: pool) != nil)
        taken = []
        #expect(pool.budget.takenBytes == 0)
    }

    @Test func `without memory to compress messages go as they are`() throws {
        let settings = DeflateSettings.everything
        let pool = testPool(budget: agreement(settings).contextBytesMax(.server))
        var server = Endpoint.compressing(.server, settings, pool: pool)
        // Somebody else has what is left.
        var other = Endpoint.compressing(.client, .eachByItself, pool: pool)
        var output: [UInt8] = []
        try other.send(.text(Self.text), into: &output)
        #expect(output[0] == 0xC1)
        output = []
        try server.send(.text(Self.text), into: &output)
        #expect(output[0] == 0x81)
        // What it must be able to do was reserved.
        #expect(try server.receive(octets(settings)) == [.text(Self.text)])
    }

    @Test func `without memory to decompress the connection closes with 1013`() throws {
        let pool = testPool(budget: 1000)
        var server = Endpoint.compressing(.server, .eachByItself, pool: pool)
        let message = try octets(.eachByItself)
        let error = #expect(throws: ProtocolError(.outOfMemory)) { try server.receive(message) }
        #expect(error?.closeCode == .tryAgainLater)
    }

    /// Every allocation of zlib's refused in turn: that connection only, and nothing is left.
    @Test(arguments: [DeflateSettings.everything, .eachByItself])
    func `a refused allocation harms one message or one connection`(
        settings: DeflateSettings
    ) throws {
        let message = try octets(settings)
        for refused in 0..<12 {
            let pool = testPool()
            do {
                var server = Endpoint.compressing(.server, settings, pool: pool)
                var output: [UInt8] = []
                czlib_refuse_allocations(refused)
                defer { czlib_refuse_allocations(-1) }
                try server.send(.text(Self.text), into: &output)
                try server.send(.text(Self.text), into: &output)
                do throws(ProtocolError) {
                    #expect(try server.receive(message) == [.text(Self.text)])
                } catch {
                    #expect(error == ProtocolError(.outOfMemory))
                }
                czlib_refuse_allocations(-1)
                var client = Endpoint.compressing(.client, settings)
                #expect(
                    try client.receive(output) == [.text(Self.text), .text(Self.text)])
            }
            #expect(pool.budget.takenBytes == pool.idleBytes)
        }
    }
}

/// An endpoint in a list.
private final class Boxed {
    var endpoint: Endpoint
    init(_ endpoint: consuming Endpoint) { self.endpoint = endpoint }
}
