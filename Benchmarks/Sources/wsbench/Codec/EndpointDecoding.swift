// SPDX-License-Identifier: Apache-2.0
import CYardstick
import WSCodec

/// The messages in a wire's octets, by way of the codec's public endpoint of a server.
final class EndpointDecoding {
    private let wire: Wire
    private var endpoint: Endpoint
    /// The wire's octets, which are unmasked in place: text becomes text, again and again.
    private var octets: [UInt8]
    private var messages: [Message] = []

    static let inPlace = "Endpoint.nextEvent"
    static let copying = "Endpoint.receive"

    private static let limits = Limits(messageSizeMaxBytes: 1 << 30)

    /// `check` holds the same messages, masked with keys of all kinds.
    init(_ wire: Wire, check: Wire) throws {
        self.wire = wire
        endpoint = Endpoint(role: .server, limits: Self.limits)
        octets = wire.octets
        var masked = check.octets
        guard try Self.payloads(in: &masked, by: &endpoint) == check.payloads else {
            throw Failure("the endpoint does not find the messages that are there")
        }
        try endpoint.receive(check.octets, into: &messages)
        let found = messages.reduce(into: []) { Self.append($1, to: &$0) }
        guard found == check.payloads, messages.count == check.frames else {
            throw Failure("the endpoint does not receive the messages that are there")
        }
    }

    private static func payloads(
        in octets: inout [UInt8], by endpoint: inout Endpoint
    ) throws -> [UInt8] {
        var found: [UInt8] = []
        var span = octets.mutableSpan
        while let event = try endpoint.nextEvent(in: &span) {
            append(event.message(in: span.span), to: &found)
        }
        return found
    }

    private static func append(_ message: Message, to octets: inout [UInt8]) {
        switch message {
        case .text(let text): octets += text.utf8
        case .binary(let payload): octets += payload
        // None is sent.
        case .ping, .pong, .close: break
        }
    }

    /// Finds the messages and leaves them where they lie.
    func inPlace(rivals: [Contender.Rival]) -> Contender {
        Contender(name: Self.inPlace, kernel: .best, rivals: rivals) { passes in
            let start = yardstick_now()
            let found = try Self.find(passes, in: &self.octets, by: &self.endpoint)
            let time = yardstick_now() - start
            guard found.messages == passes * self.wire.frames,
                found.octets == passes * self.wire.payloads.count
            else { throw Failure("the endpoint does not find the messages that are there") }
            return Double(time)
        }
    }

    private static func find(
        _ passes: Int, in octets: inout [UInt8], by endpoint: inout Endpoint
    ) throws -> (messages: Int, octets: Int) {
        var found = (messages: 0, octets: 0)
        for _ in 0..<passes {
            var span = octets.mutableSpan
            while let event = try endpoint.nextEvent(in: &span) {
                switch event {
                case .text(let payload), .binary(let payload):
                    found.messages += 1
                    found.octets += payload.count
                default: throw Failure("the endpoint finds \(event), which is not there")
                }
            }
        }
        return found
    }

    /// Copies the octets and each message, as the simple way to receive does.
    func copying(rivals: [Contender.Rival]) -> Contender {
        Contender(name: Self.copying, kernel: .best, rivals: rivals) { passes in
            let start = yardstick_now()
            for _ in 0..<passes {
                self.messages.removeAll(keepingCapacity: true)
                try self.endpoint.receive(self.wire.octets, into: &self.messages)
            }
            let time = yardstick_now() - start
            guard self.messages.count == self.wire.frames else {
                throw Failure("the endpoint does not receive the messages that are there")
            }
            return Double(time)
        }
    }
}
