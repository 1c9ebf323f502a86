// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WireSamples

/// Writes scripts by chance. What they mean is said by `NaiveDecoder`, never by what is tested.
struct ScriptMaker {
    let kernel: Kernel
    let settings: Settings

    /// What a client may be like.
    private enum Kind { case honest, wrong, resetting, ending, deaf, halfway, idle, mute }

    /// A client of some kind, with a handler that suits it.
    func script(client: Int) -> Script {
        let door = kernel.pick(Script.Door.allCases)
        var script = Script(door: door)
        script.start = UInt64(kernel.draw(3)) * UInt64(kernel.draw(2_000_000_000))
        let kind = kind()
        let handshake = handshake(door, client)
        if kind == .halfway {
            stopHalfway(&script, handshake)
            return script
        }
        script.deeds = [.send(handshake, endsFrame: true), .awaitReply]
        var frames: [WireFrame] = []
        for _ in 0..<kernel.draw(settings.messagesMax + 1) { frames += message() }
        let close = close()
        switch kind {
        case .wrong: frames.append(mistake())
        case .honest, .idle, .deaf: frames.append(close)
        case .resetting, .ending, .mute, .halfway: break
        }
        understand(&script, frames)
        if kind == .honest || kind == .idle || kind == .deaf { chooseBehaviour(&script) }
        play(frames, &script)
        leave(kind, &script)
        return script
    }

    private func kind() -> Kind {
        switch kernel.draw(100) {
        case 0..<55: .honest
        case 55..<67: .wrong
        case 67..<75: .resetting
        case 75..<81: .ending
        case 81..<86: .deaf
        case 86..<91: .halfway
        case 91..<96: .idle
        default: .mute
        }
    }

    private func close() -> WireFrame {
        kernel.chance(200) ? .emptyClose : .close(kernel.pick([1000, 1001, 3000, 4999]), [])
    }

    /// Sends a part of a request, and nothing for long.
    private func stopHalfway(_ script: inout Script, _ handshake: [UInt8]) {
        let part = [UInt8](handshake.prefix(kernel.draw(handshake.count)))
        if !part.isEmpty { script.deeds.append(.send(part, endsFrame: true)) }
        script.deeds.append(.pause(60_000_000_000))
        script.end = .noHandshake
    }

    /// Has the obvious decoder say what the frames mean.
    private func understand(_ script: inout Script, _ frames: [WireFrame]) {
        var decoder = NaiveDecoder(role: .server, limits: settings.messageLimits)
        for frame in frames {
            for octet in frame.octets(to: .server) { decoder.receive(octet) }
        }
        for message in decoder.messages {
            switch message {
            case .text(let text):
                script.messages.append(Echo(isText: true, octets: [UInt8](text.utf8)))
            case .binary(let octets): script.messages.append(Echo(isText: false, octets: octets))
            case .ping(let payload): script.pings.append(payload)
            case .pong: break
            case .close(let code, _):
                script.ownClose = .some(code?.rawValue)
                script.end = .closeOfClient(code?.rawValue)
            }
        }
        if let failure = decoder.failure { script.end = .closeOfServer(failure.rawValue) }
    }

    private func chooseBehaviour(_ script: inout Script) {
        let count = script.messages.count
        switch kernel.draw(10) {
        case 0 where count > 0:
            let code: UInt16 = kernel.pick([1000, 1001, 1013, 4000])
            script.behaviour = .closes(after: 1 + kernel.draw(count), code: code)
            script.end = .closeOfServer(code)
        case 1 where count > 0:
            script.behaviour = .fails(after: 1 + kernel.draw(count))
            script.end = .closeOfServer(1011)
        case 2, 3:
            let own = (0..<1 + kernel.draw(30)).map { _ in
                Echo(isText: false, octets: octets(size()))
            }
            script.behaviour = .floods(own)
        default: break
        }
    }

    /// Deeds that send the frames, with time and answers between them.
    private func play(_ frames: [WireFrame], _ script: inout Script) {
        // The client waits for what it must get before it closes or breaks a rule.
        if case .floods(let own) = script.behaviour {
            script.deeds.append(.awaitEchoes(own.count))
        }
        let before = script.answers.count - script.messages.count
        var sent = 0
        for frame in frames {
            if before >= 0, sent <= script.messages.count, kernel.chance(100) {
                script.deeds.append(.awaitEchoes(before + kernel.draw(sent + 1)))
            }
            if kernel.chance(50) {
                script.deeds.append(.pause(UInt64(kernel.draw(3_000_000_000))))
            }
            script.deeds.append(.send(frame.octets(to: .server, key: key()), endsFrame: true))
            if frame.isFinal, frame.opcode <= 2 { sent += 1 }
        }
    }

    /// Puts in what makes a client of this kind.
    private func leave(_ kind: Kind, _ script: inout Script) {
        // Behind the handshake and its reply, and before the last.
        let anywhere = 2 + kernel.draw(script.deeds.count - 2)
        switch kind {
        case .halfway: break
        case .honest, .wrong:
            if case .closeOfServer = script.end { script.answersClose = kernel.chance(700) }
        case .resetting:
            script.deeds.insert(.reset, at: 1 + kernel.draw(script.deeds.count))
            script.end = .loss
        case .ending:
            script.deeds.append(.end)
            script.end = .loss
        case .deaf:
            let isForEver = kernel.chance(700)
            let time = UInt64(kernel.draw(8_000_000_000))
            script.deeds.insert(.stopReading(isForEver ? nil : time), at: anywhere)
            if isForEver { script.end = .any }
        case .idle:
            script.deeds.insert(.pause(50_000_000_000), at: anywhere)
        case .mute:
            script.answersPings = false
            script.deeds.append(.pause(100_000_000_000))
            script.end = .loss
        }
    }

    /// A frame that breaks a rule, whatever came before.
    private func mistake() -> WireFrame {
        switch kernel.draw(9) {
        case 0: .ping(octets(3)).reserved(2)
        case 1: WireFrame(3, octets(4))
        case 2: WireFrame(9, octets(126))
        case 3: WireFrame(9, octets(3), isFinal: false)
        case 4: .continuation(octets(5))
        case 5: .close(1005, [])
        case 6: .text([0x61, 0xC3, 0x28])
        case 7: WireFrame.binary([]).length(.sixtyFourBits, declared: .max)
        default: WireFrame.binary(octets(settings.messageSizeMax + 1))
        }
    }

    private func octets(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(kernel.draw(256)) }
    }

    private func handshake(_ door: Script.Door, _ client: Int) -> [UInt8] {
        let head = """
            GET /\(door.rawValue)/\(client) HTTP/1.1\r
            Host: simulated\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: \(Handshake.key)\r
            \r\n
            """
        return [UInt8](head.utf8)
    }

    /// One message in its frames, with pings between them.
    private func message() -> [WireFrame] {
        let isText = kernel.chance(500)
        let octets = isText ? text(size()) : octets(size())
        let cuts =
            kernel.chance(300)
            ? (0..<kernel.draw(5)).map { _ in kernel.draw(octets.count + 1) } : []
        var frames: [WireFrame] = []
        var from = 0
        for cut in cuts.sorted() + [octets.count] {
            var frame = WireFrame(
                frames.isEmpty ? (isText ? 1 : 2) : 0, [UInt8](octets[from..<cut]))
            frame.isFinal = false
            frames.append(frame)
            from = cut
        }
        frames[frames.count - 1].isFinal = true
        for index in frames.indices.reversed() where kernel.chance(80) {
            frames.insert(
                .ping(self.octets(kernel.draw(12))), at: index)
        }
        return frames
    }

    private func size() -> Int {
        switch kernel.draw(20) {
        case 0: 0
        case 1: min(125 + kernel.draw(3), settings.messageSizeMax)
        case 2: kernel.draw(settings.messageSizeMax + 1)
        case 3: settings.messageSizeMax
        default: kernel.draw(min(200, settings.messageSizeMax))
        }
    }

    /// Text of about so many octets, of characters of every length.
    private func text(_ size: Int) -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < size {
            let character: [UInt8] =
                switch kernel.draw(4) {
                case 0: [0xC3, 0xA9]
                case 1: [0xE2, 0x82, 0xAC]
                case 2: [0xF0, 0x9F, 0x90, 0x9F]
                default: [UInt8(0x20 + kernel.draw(0x5F))]
                }
            if octets.count + character.count <= size {
                octets += character
            } else {
                octets.append(0x2E)
            }
        }
        return octets
    }

    private func key() -> [UInt8] { octets(4) }
}

/// The one opening handshake (RFC 6455 section 1.3).
enum Handshake {
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
}
