// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

@Suite("RFC 6455 sections 5.5.1 and 7: the closing handshake") struct ClosingTests: ~Copyable {
    private var server = Endpoint(role: .server)
    private var output: [UInt8] = []

    @Test mutating func `a peer's close is answered with its code`() throws {
        let messages = try server.receive(
            WireFrame.close(3001, [UInt8]("bye".utf8)).octets(to: .server))
        let code = CloseCode(rawValue: 3001)
        #expect(messages == [.close(code, reason: "bye")])
        #expect(server.state == .closing)
        #expect(server.receivedClose?.code == code)
        #expect(server.receivedClose?.reason == "bye")
        let reply = server.reply(to: messages[0])
        #expect(reply == .close(code, reason: ""))
        if let reply { try server.send(reply, into: &output) }
        #expect(output == [0x88, 0x02, 0x0B, 0xB9])
        #expect(server.state == .closed)
        #expect(server.sentClose?.code == code)
        let second = server.reply(to: messages[0])
        #expect(second == nil)
    }

    @Test mutating func `an empty close is answered with an empty one`() throws {
        let messages = try server.receive(WireFrame.emptyClose.octets(to: .server))
        #expect(messages == [.close(nil, reason: "")])
        let received = server.receivedClose
        #expect(received != nil && received?.code == nil)
        let reply = server.reply(to: messages[0])
        #expect(reply == .close(nil, reason: ""))
        try server.sendClose(nil, into: &output)
        #expect(output == [0x88, 0x00])
        #expect(server.state == .closed)
        let sent = server.sentClose
        #expect(sent != nil && sent?.code == nil)
    }

    @Test mutating func `after our close the peer's messages still come, until its own`() throws {
        try server.sendClose(.goingAway, reason: "restart", into: &output)
        #expect(output == [0x88, 0x09, 0x03, 0xE9] + [UInt8]("restart".utf8))
        #expect(server.state == .closing)
        #expect(server.sentClose?.reason == "restart")
        let octets =
            WireFrame.text("late").octets(to: .server) + WireFrame.ping([1]).octets(to: .server)
            + WireFrame.close(1001).octets(to: .server) + WireFrame.ping([2]).octets(to: .server)
        let messages = try server.receive(octets)
        #expect(messages == [.text("late"), .ping([1]), .close(.goingAway, reason: "")])
        #expect(server.state == .closed)
        let reply = server.reply(to: messages[2])
        #expect(reply == nil)
    }

    @Test mutating func `after our close only a pong may be sent`() throws {
        try server.sendClose(.normal, into: &output)
        let written = output
        let refused: [Message] = [
            .text("a"), .binary([1]), .ping([]), .close(.normal, reason: ""),
        ]
        for message in refused {
            #expect(throws: SendError.notOpen) { try server.send(message, into: &output) }
        }
        #expect(output == written)
        let reply = server.reply(to: .ping([5]))
        #expect(reply == .pong([5]))
        try server.send(.pong([5]), into: &output)
        #expect(output == written + [0x8A, 1, 5])
    }

    @Test mutating func `after the peer's close and before ours a message may end`() throws {
        try server.send(.text, [0x61].span, isFinal: false, into: &output)
        _ = try server.receive(WireFrame.close(1000).octets(to: .server))
        try server.send(.continuation, [0x62].span, into: &output)
        try server.sendClose(.normal, into: &output)
        var client = Endpoint(role: .client)
        #expect(try client.receive(output) == [.text("ab"), .close(.normal, reason: "")])
    }

    @Test mutating func `when both have closed nothing is sent`() throws {
        _ = try server.receive(WireFrame.close(1000).octets(to: .server))
        try server.sendClose(.normal, into: &output)
        let written = output
        for message: Message in [.text("a"), .ping([]), .pong([]), .close(nil, reason: "")] {
            #expect(throws: SendError.notOpen) { try server.send(message, into: &output) }
        }
        let reply = server.reply(to: .ping([]))
        #expect(reply == nil)
        #expect(output == written)
    }

    @Test(
        "a code that must not be sent is refused",
        arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] as [UInt16])
    mutating func invalidCode(code: UInt16) {
        #expect(throws: SendError.invalidCloseCode) {
            try server.sendClose(CloseCode(rawValue: code), into: &output)
        }
        #expect(output.isEmpty)
        #expect(server.state == .open)
        #expect(server.sentClose == nil)
    }

    @Test mutating func `a reason needs a code and has at most 123 octets`() throws {
        #expect(throws: SendError.invalidCloseCode) {
            try server.sendClose(nil, reason: "why", into: &output)
        }
        #expect(throws: SendError.reasonTooLong) {
            try server.sendClose(
                .normal, reason: String(repeating: "é", count: 62), into: &output)
        }
        #expect(output.isEmpty)
        try server.sendClose(
            .normal, reason: String(repeating: "é", count: 61) + "e", into: &output)
        #expect(output.count == 127)
    }

    @Test mutating func `a violation fails the connection with its code, once`() throws {
        let octets =
            WireFrame.text("good").octets(to: .server)
            + WireFrame.text([0xC0]).octets(to: .server) + WireFrame.ping().octets(to: .server)
        var messages: [Message] = []
        let error = #expect(throws: ProtocolError.self) {
            try server.receive(octets, into: &messages)
        }
        #expect(messages == [.text("good")])
        #expect(error == ProtocolError(.invalidUTF8))
        #expect(server.state == .closing)
        #expect(server.isFailed == true)
        // What answers the messages before the violation may still go.
        try server.send(.text("a"), into: &output)
        #expect(output == [0x81, 0x01, 0x61])
        server.fail(with: ProtocolError(.invalidUTF8), into: &output)
        #expect(output == [0x81, 0x01, 0x61, 0x88, 0x02, 0x03, 0xEF])
        server.fail(with: ProtocolError(.reservedBits), into: &output)
        #expect(output.count == 7)
        #expect(throws: SendError.notOpen) { try server.send(.text("a"), into: &output) }
        #expect(try server.receive(WireFrame.text("more").octets(to: .server)) == [])
        #expect(server.sentClose?.code == .invalidPayload)
        #expect(server.receivedClose == nil)
        #expect(server.state == .closing)
        server.connectionLost()
        #expect(server.state == .closed)
    }

    @Test mutating func `failing drops what was read ahead`() throws {
        var octets =
            WireFrame.text("one").octets(to: .server) + WireFrame.text("two").octets(to: .server)
        var span = octets.mutableSpan
        let first = try server.nextEvent(in: &span)
        #expect(first == .text(.inPlace(6..<9)))
        server.fail(with: ProtocolError(.messageTooBig), into: &output)
        #expect(output == [0x88, 0x02, 0x03, 0xF1])
        let second = try server.nextEvent(in: &span)
        #expect(second == nil)
        #expect(server.isFailed == true)
    }

    @Test mutating func `a violation after our close writes no second one`() throws {
        try server.sendClose(.normal, into: &output)
        let error = #expect(throws: ProtocolError.self) {
            try server.receive(WireFrame(3).octets(to: .server))
        }
        server.fail(with: try #require(error), into: &output)
        #expect(output.count == 4)
        #expect(server.state == .closing)
        #expect(server.sentClose?.code == .normal)
    }

    @Test mutating func `a lost connection is closed, and neither reads nor writes`() throws {
        _ = try server.receive(WireFrame.text("a", isFinal: false).octets(to: .server))
        server.connectionLost()
        #expect(server.state == .closed)
        #expect(server.receivedClose == nil)
        #expect(server.isFailed == false)
        #expect(try server.receive(WireFrame.continuation("b").octets(to: .server)) == [])
        #expect(throws: SendError.notOpen) { try server.send(.text("a"), into: &output) }
        #expect(throws: SendError.notOpen) { try server.sendClose(.normal, into: &output) }
        #expect(output.isEmpty)
    }

    @Test(
        "both ends of a conversation reach the end whoever closes",
        arguments: [Role.client, .server])
    func conversation(closer: Role) throws {
        var first = Endpoint(role: closer)
        var second = Endpoint(role: closer == .client ? .server : .client)
        var wire: [UInt8] = []
        try first.send(.text("last"), into: &wire)
        try first.sendClose(.normal, reason: "done", into: &wire)
        let received = try second.receive(wire)
        #expect(received == [.text("last"), .close(.normal, reason: "done")])
        wire = []
        let owed = second.reply(to: received[1])
        try second.send(try #require(owed), into: &wire)
        #expect(try first.receive(wire) == [.close(.normal, reason: "")])
        #expect(first.state == .closed)
        #expect(second.state == .closed)
    }
}
