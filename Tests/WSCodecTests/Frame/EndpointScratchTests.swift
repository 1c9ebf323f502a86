// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@Suite struct EndpointScratchTests {
    /// `count` unmasked text frames, each with its number.
    private static func frames(_ count: Int, from first: Int) throws -> (
        octets: [UInt8], messages: [Message]
    ) {
        var server = Endpoint(role: .server)
        var octets: [UInt8] = []
        let messages = (first..<first + count).map { Message.text("message \($0)") }
        for message in messages { try server.send(message, into: &octets) }
        return (octets, messages)
    }

    /// Takes the next message, as one who stops between events does.
    private static func next(
        _ endpoint: inout Endpoint, _ octets: inout [UInt8], _ messages: inout [Message]
    ) throws -> Bool {
        var span = octets.mutableSpan
        guard let event = try endpoint.nextEvent(in: &span) else { return false }
        messages.append(event.message(in: span.span))
        return true
    }

    @Test func `endpoints that take turns keep their frames apart`() throws {
        let scratch = EndpointScratch()
        var one = Endpoint(role: .client, scratch: scratch)
        var other = Endpoint(role: .client, scratch: scratch)
        // More than one batch of records, twice, so that memory is lent again.
        for round in 0..<2 {
            var (first, firstSent) = try Self.frames(150, from: round * 1000)
            var (second, secondSent) = try Self.frames(130, from: round * 1000 + 500)
            var (firstTaken, secondTaken): ([Message], [Message]) = ([], [])
            var (goesOn, otherGoesOn) = (true, true)
            while goesOn || otherGoesOn {
                if goesOn { goesOn = try Self.next(&one, &first, &firstTaken) }
                if otherGoesOn { otherGoesOn = try Self.next(&other, &second, &secondTaken) }
            }
            let isRight = firstTaken == firstSent && secondTaken == secondSent
            #expect(isRight, "\(firstTaken.count) and \(secondTaken.count) messages")
        }
    }

    @Test func `an endpoint that ends in the middle gives its memory back`() throws {
        let scratch = EndpointScratch()
        for _ in 0..<3 {
            var endpoint = Endpoint(role: .client, scratch: scratch)
            var (octets, sent) = try Self.frames(10, from: 0)
            var taken: [Message] = []
            #expect(try Self.next(&endpoint, &octets, &taken))
            #expect(taken == [sent[0]])
            endpoint.connectionLost()
            #expect(try !Self.next(&endpoint, &octets, &taken))
        }
    }
}
