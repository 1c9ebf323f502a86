// SPDX-License-Identifier: Apache-2.0
import FuzzInput
import WSCodec

// Goal: no octets and no order of calls make an endpoint trap; limits hold; nothing is an event
// behind a Close; and what one endpoint sends, the other understands.
//
// Method: a server and a client, each with the octets it wrote that have not arrived. The input is
// a list of steps: one sends, a part of what one wrote arrives, octets out of nowhere arrive, an
// endpoint stops reading between events and goes on. At the end everything arrives.
//
// Input: five octets of limits, then steps: an octet whose low bit says who acts and the rest what,
// then what that step asks for.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let limits = Limits(
        messageSizeMaxBytes: input.one(of: [1 << 20, 100_000, 1000, 126, 16, 1, 0, .min]),
        frameSizeMaxBytes: input.one(of: [.max, 70_000, 500, 125, 7, 0]),
        fragmentCountMax: input.one(of: [131_072, 2, 1, 10, 0, .max]))
    let answers = input.flag()
    var server = Side(.server, limits, answers: answers)
    var client = Side(.client, limits, answers: answers)
    while !input.isEmpty {
        let step = input.octet()
        if step & 1 == 0 {
            server.step(step >> 1, peer: &client, &input)
        } else {
            client.step(step >> 1, peer: &server, &input)
        }
    }
    // Answers make octets that have to arrive in turn; they are not answered again.
    for _ in 0..<3 {
        server.take(from: &client, .max, stoppingAfter: .max)
        client.take(from: &server, .max, stoppingAfter: .max)
    }
    server.checkEnd(peer: client)
    client.checkEnd(peer: server)
    return 0
}

/// One endpoint, and what is known about it.
struct Side: ~Copyable {
    private var endpoint: Endpoint
    private let role: Role
    private let limits: Limits
    private let answers: Bool
    /// What it wrote that has not arrived.
    private var output: [UInt8] = []
    /// What it wrote, as the peer is to understand it.
    private var sent: [Message] = []
    private var received: [Message] = []
    private var failure: ProtocolError?
    /// Everything that arrived, as it arrived.
    private var arrived: [UInt8] = []
    /// The end of it that the endpoint was not asked to look at, changed by it already.
    private var unread: [UInt8] = []
    /// Octets arrived that the peer did not write, or the peer wrote what we may refuse.
    private var isDisturbed = false
    /// `fail(with:)` or `connectionLost()` was called, so that reading ended by our own will.
    private var isEndedHere = false
    /// The message being sent in fragments: opcode, all of it, octets sent, fragments sent.
    private var open: (opcode: Opcode, payload: [UInt8], sent: Int, count: Int)?

    init(_ role: Role, _ limits: Limits, answers: Bool) {
        self.role = role
        self.limits = limits
        self.answers = answers
        endpoint = Endpoint(role: role, limits: limits)
    }

    mutating func step(_ what: UInt8, peer: inout Side, _ input: inout FuzzInput) {
        switch what % 16 {
        case 0, 1: receive(input.octets(Int(input.octet())), byPeer: false, stoppingAfter: .max)
        case 2:
            let events = Int(input.octet() % 4)
            receive(input.octets(Int(input.octet())), byPeer: false, stoppingAfter: events)
        case 3: take(from: &peer, .max, stoppingAfter: .max)
        case 4: take(from: &peer, Int(input.octet()), stoppingAfter: .max)
        case 5: take(from: &peer, Int(input.octet()), stoppingAfter: Int(input.octet() % 4))
        case 6: receive([], byPeer: true, stoppingAfter: .max)
        case 7: send(.text(text(size(&input))), &input)
        case 8: send(.binary(octets(size(&input))), &input)
        case 9: send(.ping(octets(Int(input.octet() % 130))), &input)
        case 10: send(.pong(octets(Int(input.octet() % 130))), &input)
        case 11, 12: sendFragment(&input)
        case 13:
            let code = UInt16(input.octet()) << 8 | UInt16(input.octet())
            let reason = text(Int(input.octet() % 128))
            send(.close(input.flag() ? nil : CloseCode(rawValue: code), reason: reason), &input)
        case 14:
            let violation = input.one(of: ProtocolError.Violation.allCases)
            isEndedHere = true
            let before = output.count
            let key = maskingKey(&input)
            endpoint.fail(with: ProtocolError(violation), maskingKey: key, into: &output)
            if output.count > before {
                sent.append(.close(ProtocolError(violation).closeCode, reason: ""))
            }
            check(endpoint.state != .open && endpoint.isFailed, "a failure closes")
        default:
            // Rarely, as there is little to see behind it.
            guard input.octet() == 0xFF else { return }
            isEndedHere = true
            endpoint.connectionLost()
            check(endpoint.state == .closed, "a lost connection is closed")
        }
    }

    /// At most `count` octets that the peer wrote arrive.
    mutating func take(from peer: inout Side, _ count: Int, stoppingAfter events: Int) {
        let arriving = [UInt8](peer.output.prefix(count))
        peer.output.removeFirst(arriving.count)
        receive(arriving, byPeer: true, stoppingAfter: events)
    }

    // MARK: Receiving

    private mutating func receive(_ octets: [UInt8], byPeer: Bool, stoppingAfter limit: Int) {
        if !byPeer, !octets.isEmpty { isDisturbed = true }
        arrived += octets
        let given = unread + octets
        unread = given.withExactBlock { block in
            var events = 0
            do throws(ProtocolError) {
                while events < limit {
                    var span = block.mutableSpan
                    guard let event = try nextEvent(&span, given.count) else { return [] }
                    events += 1
                    take(event, in: block.span)
                }
                let position = endpoint.position
                check(endpoint.dropConsumed() == position, "drops what is done with")
                check(endpoint.position == 0, "and is at the start of the rest")
                return [UInt8](block[position...])
            } catch {
                check(failure == nil && !isEndedHere, "a failure is told once: \(error)")
                check(endpoint.isFailed && endpoint.state != .open, "and closes")
                failure = error
                var span = block.mutableSpan
                check(restIsIgnored(&span), "what is behind a failure is ignored")
                return []
            }
        }
    }

    private mutating func restIsIgnored(_ octets: inout MutableSpan<UInt8>) -> Bool {
        do throws(ProtocolError) {
            return try endpoint.nextEvent(in: &octets) == nil && endpoint.position == 0
        } catch {
            return false
        }
    }

    private mutating func nextEvent(
        _ octets: inout MutableSpan<UInt8>, _ count: Int
    ) throws(ProtocolError) -> Event? {
        let before = endpoint.state
        let position = endpoint.position
        let event = try endpoint.nextEvent(in: &octets)
        check(before != .closed || event == nil, "nothing is an event when closed")
        guard event != nil else {
            check(endpoint.position == 0, "starts over behind all octets")
            check(endpoint.state == before, "no event, no change")
            return nil
        }
        check(endpoint.position >= position, "goes forward")
        check(endpoint.position <= count, "within what it was given")
        return event
    }

    private mutating func take(_ event: Event, in octets: Span<UInt8>) {
        check(failure == nil && !isEndedHere, "no event behind a failure")
        if case .close? = received.last { check(false, "no event behind a Close") }
        if case .inPlace(let range)? = event.payload {
            check(range.upperBound <= endpoint.position, "a payload is done with at its end")
        }
        let message = event.message(in: octets)
        switch message {
        case .text(let text): checkSize(text.utf8.count)
        case .binary(let payload): checkSize(payload.count)
        case .ping(let payload), .pong(let payload): check(payload.count <= 125, "a control frame")
        case .close(let code, let reason):
            check(code?.isSendable ?? reason.isEmpty, "a close code of the wire")
            check(endpoint.state == (endpoint.sentClose == nil ? .closing : .closed), "closes")
            check(endpoint.receivedClose.map { $0 == (code, reason) } ?? false, "is kept")
        }
        received.append(message)
        let owed = endpoint.reply(to: event, in: octets)
        check(owed == endpoint.reply(to: message), "the event and its message are owed the same")
        guard answers, let owed else { return }
        do throws(SendError) {
            try endpoint.send(owed, maskingKey: MaskingKey(1, 2, 3, 4), into: &output)
            sent.append(owed)
        } catch {
            check(false, "what is owed can be sent: \(error)")
        }
    }

    private func checkSize(_ count: Int) {
        check(count <= max(0, limits.messageSizeMaxBytes), "the limit holds")
    }

    // MARK: Sending

    private mutating func send(_ message: Message, _ input: inout FuzzInput) {
        let before = output.count
        let state = endpoint.state
        do throws(SendError) {
            try endpoint.send(message, maskingKey: maskingKey(&input), into: &output)
            check(state != .closed, "nothing is sent when closed")
            sent.append(message)
            if case .close = message { check(endpoint.state != .open, "a Close closes") }
            check(output.count > before, "a frame is written")
        } catch {
            check(output.count == before && endpoint.state == state, "a refusal changes nothing")
        }
    }

    private mutating func sendFragment(_ input: inout FuzzInput) {
        let count = size(&input)
        var next = open
        if next == nil {
            let isText = input.flag()
            next = (
                isText ? .text : .binary, isText ? Array(text(count).utf8) : octets(count), 0, 0
            )
        }
        guard var fragment = next else { return }
        let fragmentMax = min(
            max(0, limits.frameSizeMaxBytes), fragment.payload.count - fragment.sent)
        let part = min(Int(input.octet()), fragmentMax)
        let end = fragment.sent + part
        let isLast = fragment.count + 1 >= max(1, limits.fragmentCountMax) || input.flag()
        // The peer takes no more fragments: what is left does not fit the last one.
        if isLast, fragment.payload.count - fragment.sent > fragmentMax { return }
        let payload =
            isLast ? fragment.payload[fragment.sent...] : fragment.payload[fragment.sent..<end]
        let before = output.count
        do throws(SendError) {
            try endpoint.send(
                fragment.count == 0 ? fragment.opcode : .continuation, Array(payload).span,
                isFinal: isLast, maskingKey: maskingKey(&input), into: &output)
        } catch {
            check(output.count == before, "a refusal changes nothing")
            return
        }
        fragment.sent += payload.count
        fragment.count += 1
        open = isLast ? nil : fragment
        guard isLast else { return }
        sent.append(
            fragment.opcode == .text
                ? .text(String(decoding: fragment.payload, as: UTF8.self))
                : .binary(fragment.payload))
    }

    private func maskingKey(_ input: inout FuzzInput) -> MaskingKey {
        role == .server ? .zero : MaskingKey(input.octet(), input.octet(), 0xA5, input.octet())
    }

    /// A length of a message that the peer takes.
    private func size(_ input: inout FuzzInput) -> Int {
        let wanted = input.one(of: [0, 1, 5, 16, 124, 125, 126, 127, 500, 65_535, 65_536, 66_000])
        return max(0, min(wanted, limits.messageSizeMaxBytes, limits.frameSizeMaxBytes))
    }

    private func octets(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }

    /// Text of at most `count` octets with characters of every length.
    private func text(_ count: Int) -> String {
        let pattern = Array("aé€🎈z".utf8)
        var octets = (0..<count / pattern.count).flatMap { _ in pattern }
        while octets.count < count { octets.append(0x20) }
        return String(decoding: octets, as: UTF8.self)
    }

    // MARK: The end

    /// Everything has arrived.
    func checkEnd(peer: borrowing Side) {
        check(unread.isEmpty, "all octets were taken")
        if !isDisturbed, !isEndedHere {
            check(
                failure == nil, "\(role) refuses what its peer wrote: \(failure.debugDescription)")
            let end = peer.sent.firstIndex {
                if case .close = $0 { true } else { false }
            }
            let expected = end.map { peer.sent.prefix(through: $0) } ?? peer.sent[...]
            check(received[...] == expected, "\(received) is \(expected)")
        }
        guard !isEndedHere else { return }
        checkReplay([arrived])
        if arrived.count < 2000 { checkReplay(arrived.pieces(of: [1])) }
    }

    /// What was received does not hang on how it was cut.
    private func checkReplay(_ pieces: [[UInt8]]) {
        var replay = Endpoint(role: role, limits: limits)
        var messages: [Message] = []
        var failure: ProtocolError?
        for piece in pieces {
            do throws(ProtocolError) {
                try replay.receive(piece, into: &messages)
            } catch {
                failure = error
            }
        }
        check(messages == received, "\(messages) is \(received)")
        check(failure == self.failure, "the same failure")
    }
}

extension Event {
    var payload: Payload? {
        switch self {
        case .text(let payload), .binary(let payload), .ping(let payload), .pong(let payload):
            payload
        case .close: nil
        }
    }
}
