// SPDX-License-Identifier: Apache-2.0
package import WSCodec

/// What an endpoint made of a stream of octets.
package struct Reception: Equatable {
    /// The messages and control frames it reported.
    package var messages: [Message] = []
    /// The rule it says was broken, and after how many octets it said so.
    package var violation: ProtocolError.Violation?
    package var violationAt: Int?
    /// Its state at the end.
    package var state = EndpointState.open

    /// Gives a fresh endpoint `pieces` one after the other, beyond a violation too.
    package init(
        of pieces: [ArraySlice<UInt8>], by role: Role, limits: Limits = Limits(),
        inPlace: Bool = false
    ) {
        self.init(of: pieces, by: Endpoint(role: role, limits: limits), inPlace: inPlace)
    }

    /// Gives `endpoint` the `pieces` one after the other, beyond a violation too. `inPlace` asks for
    /// whole messages first, as a server does, and for events only where there is no such message.
    package init(
        of pieces: [ArraySlice<UInt8>], by endpoint: consuming Endpoint, inPlace: Bool = false
    ) {
        var octetCount = 0
        for piece in pieces {
            octetCount += piece.count
            do throws(ProtocolError) {
                if inPlace {
                    try Self.receive([UInt8](piece), by: &endpoint, into: &messages)
                } else {
                    try endpoint.receive([UInt8](piece), into: &messages)
                }
            } catch {
                violation = error.violation
                violationAt = octetCount
            }
        }
        state = endpoint.state
    }

    private static func receive(
        _ octets: [UInt8], by endpoint: inout Endpoint, into messages: inout [Message]
    ) throws(ProtocolError) {
        var octets = octets
        var span = octets.mutableSpan
        while true {
            switch try endpoint.nextMessageInPlace(in: &span) {
            case .message(let range, let isText):
                let event: Event = isText ? .text(.inPlace(range)) : .binary(.inPlace(range))
                messages.append(event.message(in: span.span))
            case .other:
                guard let event = try endpoint.nextEvent(in: &span) else { return }
                messages.append(event.message(in: span.span))
            case .nothing:
                return
            }
        }
    }

    /// The reception that `sample` asks for.
    package init(expectedOf sample: WireSample) {
        messages = sample.messages
        violation = sample.violation
        if violation != nil { state = .closing }
        if case .close = messages.last { state = .closing }
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.violation == right.violation && left.violationAt == right.violationAt
            && left.state == right.state
            && left.messages.elementsEqual(right.messages) { $0.isIdentical(to: $1) }
    }

    /// The same, whenever the violation was noticed.
    package var withoutPlace: Reception {
        var copy = self
        copy.violationAt = nil
        return copy
    }
}

extension Message {
    /// Whether the messages have the same octets; `==` takes canonically equivalent texts for equal.
    package func isIdentical(to other: Message) -> Bool {
        switch (self, other) {
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.close(let code, let left), .close(let otherCode, let right)):
            code == otherCode && left.utf8.elementsEqual(right.utf8)
        default: self == other
        }
    }
}
