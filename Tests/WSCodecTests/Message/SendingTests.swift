// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@Suite("RFC 6455 sections 5.4, 5.5 and 6.1: sending") struct SendingTests: ~Copyable {
    private var server = Endpoint(role: .server)
    private var output: [UInt8] = []

    @Test mutating func `a message goes in fragments, control frames between`() throws {
        try server.send(.binary, [1, 2].span, isFinal: false, into: &output)
        try server.send(.ping([9]), into: &output)
        try server.send(.continuation, "".utf8Span.span, isFinal: false, into: &output)
        try server.send(.pong, [8].span, into: &output)
        try server.send(.continuation, [3].span, into: &output)
        try server.send(.text("next"), into: &output)
        #expect(output.prefix(4) == [0x02, 0x02, 1, 2])
        var client = Endpoint(role: .client)
        let messages = try client.receive(output)
        #expect(messages == [.ping([9]), .pong([8]), .binary([1, 2, 3]), .text("next")])
    }

    @Test mutating func `a continuation needs an open message`() {
        #expect(throws: SendError.fragmentOutOfOrder) {
            try server.send(.continuation, [1].span, into: &output)
        }
        #expect(output.isEmpty)
    }

    @Test mutating func `a message may not begin inside another`() throws {
        try server.send(.text, [0x61].span, isFinal: false, into: &output)
        let written = output
        #expect(throws: SendError.fragmentOutOfOrder) { try server.send(.text("b"), into: &output) }
        #expect(throws: SendError.fragmentOutOfOrder) {
            try server.send(.binary([1]), into: &output)
        }
        #expect(output == written)
        try server.send(.continuation, "".utf8Span.span, into: &output)
        try server.send(.text("b"), into: &output)
        var client = Endpoint(role: .client)
        #expect(try client.receive(output) == [.text("a"), .text("b")])
    }

    @Test mutating func `a control frame is not fragmented`() {
        #expect(throws: SendError.fragmentOutOfOrder) {
            try server.send(.ping, [1].span, isFinal: false, into: &output)
        }
    }

    @Test(arguments: [Opcode.ping, .pong])
    mutating func `a control frame has at most 125 octets`(opcode: Opcode) throws {
        let payload = [UInt8](repeating: 1, count: 126)
        #expect(throws: SendError.controlPayloadTooLong) {
            try server.send(opcode, payload.span, into: &output)
        }
        try server.send(opcode, payload.span.extracting(1...), into: &output)
        #expect(output.count == 127)
    }

    @Test mutating func `a close goes through sendClose`() {
        #expect(throws: SendError.invalidCloseCode) {
            try server.send(.close, [0x03, 0xE8].span, into: &output)
        }
        #expect(server.state == .open)
    }

    @Test mutating func `a frame is written behind what the output holds`() throws {
        let size = server.frameSize(payload: 3)
        let payload: [UInt8] = [7, 8, 9]
        output = try [UInt8](capacity: 1 + size) { span throws(SendError) in
            span.append(0xEE)
            try server.send(.binary, payload.span, into: &span)
        }
        #expect(output == [0xEE, 0x82, 3, 7, 8, 9])
    }

    @Test mutating func `an output without room is refused and left as it is`() throws {
        let size = server.frameSize(payload: 3)
        var refused: SendError?
        output = [UInt8](capacity: size) { span in
            span.append(0xEE)
            do throws(SendError) {
                try server.send(.binary, [7, 8, 9].span, isFinal: false, into: &span)
            } catch {
                refused = error
            }
        }
        #expect(refused == .messageTooLarge)
        #expect(output == [0xEE])
        // The fragment was not sent, so none is open.
        try server.send(.text("a"), into: &output)
        output = [UInt8](capacity: 3) { span in
            do throws(SendError) {
                try server.sendClose(.normal, into: &span)
            } catch {
                refused = error
            }
        }
        #expect(refused == .messageTooLarge)
        #expect(server.state == .open)
    }

    @Test func `a client's frame takes four octets more`() {
        let server = Endpoint(role: .server)
        let client = Endpoint(role: .client)
        for (size, header) in [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)] {
            #expect(server.frameSize(payload: size) == size + header)
            #expect(client.frameSize(payload: size) == size + header + 4)
        }
    }
}
