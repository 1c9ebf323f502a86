// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec
import WireSamples

@Suite("Endpoint: events in the received octets") struct EndpointTests: ~Copyable {
    private var server = Endpoint(role: .server)

    @Test mutating func `whole frames are delivered where they lie, unmasked`() throws {
        var octets =
            WireFrame.text("Hello").octets(to: .server)
            + WireFrame.ping([1, 2]).octets(to: .server)
            + WireFrame.binary([]).octets(to: .server)
        var span = octets.mutableSpan
        let text = try server.nextEvent(in: &span)
        #expect(text == .text(.inPlace(6..<11)))
        #expect(server.position == 11)
        let ping = try server.nextEvent(in: &span)
        #expect(ping == .ping(.inPlace(17..<19)))
        #expect(server.position == 19)
        let binary = try server.nextEvent(in: &span)
        #expect(binary == .binary(.inPlace(25..<25)))
        #expect(server.position == 25)
        let end = try server.nextEvent(in: &span)
        #expect(end == nil)
        #expect(server.position == 0)
        #expect(octets[6..<11].elementsEqual("Hello".utf8))
        #expect(octets[17..<19] == [1, 2])
    }

    /// Whatever has a clock sees by it whether an unfinished message comes on.
    @Test mutating func `progress shows in each octet and fragment of an unfinished message`()
        throws
    {
        let begun = WireFrame.text("He", isFinal: false).octets(to: .server)
        let empty = WireFrame.continuation([], isFinal: false).octets(to: .server)
        let last = WireFrame.continuation("llo").octets(to: .server)
        let ping = WireFrame.ping([1]).octets(to: .server)
        func progress(_ octets: [UInt8], _ server: inout Endpoint) throws -> UInt64? {
            _ = try server.receive(octets)
            return server.unfinishedMessageProgress
        }
        #expect(try progress([], &server) == nil)
        #expect(try progress(ping, &server) == nil)
        var seen: [UInt64] = []
        for octets in [Array(begun.dropLast()), [begun[7]], empty, Array(last.dropLast())] {
            let latest = try #require(try progress(octets, &server))
            #expect(!seen.contains(latest))
            seen.append(latest)
        }
        #expect(try progress([last[8]] + ping, &server) == nil)
        let latest = try #require(try progress(begun + ping, &server))
        #expect(try progress(ping, &server) == latest)
    }

    @Test mutating func `a payload whose header came before is delivered where it lies`() throws {
        var octets = WireFrame.text("Hello").octets(to: .server)
        var header = [UInt8](octets[..<6])
        octets.removeFirst(6)
        var span = header.mutableSpan
        let none = try server.nextEvent(in: &span)
        #expect(none == nil)
        var rest = octets.mutableSpan
        let text = try server.nextEvent(in: &rest)
        #expect(text == .text(.inPlace(0..<5)))
        #expect(octets.elementsEqual("Hello".utf8))
    }

    @Test mutating func `a message in parts is delivered in octets of its own`() throws {
        var octets = WireFrame.binary([1, 2, 3]).octets(to: .server)
        var last = [octets.removeLast()]
        var span = octets.mutableSpan
        let none = try server.nextEvent(in: &span)
        #expect(none == nil)
        var rest = last.mutableSpan
        let binary = try server.nextEvent(in: &rest)
        #expect(binary == .binary(.assembled([1, 2, 3])))
    }

    @Test mutating func `a ping cut in two is delivered in octets of its own`() throws {
        var octets = WireFrame.ping([1, 2, 3]).octets(to: .server)
        var last = [octets.removeLast()] + WireFrame.pong([4]).octets(to: .server)
        var span = octets.mutableSpan
        let none = try server.nextEvent(in: &span)
        #expect(none == nil)
        var rest = last.mutableSpan
        let ping = try server.nextEvent(in: &rest)
        #expect(ping == .ping(.assembled([1, 2, 3])))
        #expect(server.position == 1)
        let pong = try server.nextEvent(in: &rest)
        #expect(pong == .pong(.inPlace(7..<8)))
    }

    @Test mutating func `no octets are no event`() throws {
        var octets: [UInt8] = []
        var span = octets.mutableSpan
        let event = try server.nextEvent(in: &span)
        #expect(event == nil)
        #expect(try server.receive([]) == [])
    }

    @Test mutating func `more frames than one batch holds come in order`() throws {
        let messages = (0..<1000).map { Message.binary([UInt8($0 & 0xFF), UInt8($0 >> 8)]) }
        var client = Endpoint(role: .client)
        var wire: [UInt8] = []
        for message in messages { try client.send(message, into: &wire) }
        #expect(try server.receive(wire) == messages)
    }

    /// The caller stops after any event, drops what is done with, and gives the rest again with
    /// more behind it: the events must be the same.
    @Test(arguments: WireSample.all.filter { $0.octets(to: .server).count < 300 }, 1...4)
    func `the caller may stop between events`(sample: WireSample, seed: UInt64) throws {
        var generator = SplitMix(state: seed)
        var endpoint = Endpoint(role: .server)
        var rest = sample.octets(to: .server)[...]
        var held: [UInt8] = []
        var messages: [Message] = []
        var violation: ProtocolError.Violation?
        while !rest.isEmpty || !held.isEmpty {
            let count = Int.random(in: 0...min(40, rest.count), using: &generator)
            held += rest.prefix(count)
            rest = rest.dropFirst(count)
            var isDrained = false
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                var span = held.mutableSpan
                do throws(ProtocolError) {
                    guard let event = try endpoint.nextEvent(in: &span) else {
                        isDrained = true
                        break
                    }
                    messages.append(event.message(in: span.span))
                } catch {
                    violation = error.violation
                }
            }
            if isDrained {
                held = []
            } else if Bool.random(using: &generator) {
                held.removeFirst(endpoint.dropConsumed())
                #expect(endpoint.position == 0)
            }
        }
        #expect(messages.elementsEqual(sample.messages) { $0.isIdentical(to: $1) })
        #expect(violation == sample.violation)
    }

    @Test mutating func `a reply is owed to pings and closes only`() throws {
        var octets =
            WireFrame.ping([7]).octets(to: .server) + WireFrame.pong([7]).octets(to: .server)
            + WireFrame.text("a").octets(to: .server) + WireFrame.close(1000).octets(to: .server)
        var span = octets.mutableSpan
        var replies: [Message?] = []
        while let event = try server.nextEvent(in: &span) {
            replies.append(server.reply(to: event, in: span.span))
        }
        #expect(replies == [.pong([7]), nil, nil, .close(.normal, reason: "")])
    }

    @Test func `an event and other octets make no broken text`() {
        let octets: [UInt8] = [0xFF, 0x61]
        let event = Event.text(.inPlace(0..<2))
        #expect(event.message(in: octets.span) == .text("\u{FFFD}a"))
        #expect(Event.text(.assembled([0xC3, 0xA9])).message(in: octets.span) == .text("é"))
    }

    @Test func `a payload knows its size and lends its octets`() {
        let octets: [UInt8] = [1, 2, 3, 4]
        #expect(Payload.inPlace(1..<4).count == 3)
        #expect(Payload.assembled([1, 2]).count == 2)
        let sum = Payload.inPlace(1..<4).withSpan(in: octets.span) { span in
            span.indices.reduce(0) { $0 + Int(span[$1]) }
        }
        #expect(sum == 9)
    }

    @Test func `a view is copied into the message it shows`() {
        let octets: [UInt8] = [0x68, 0xC3, 0xA9]
        let text = MessageView.text("hé".utf8Span)
        #expect(Message(text) == .text("hé"))
        #expect(text.count == 3)
        let binary = MessageView.binary(octets.span.bytes)
        #expect(Message(binary) == .binary(octets))
        #expect(binary.count == 3)
    }
}
