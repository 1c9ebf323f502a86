// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WireSamples

/// Writes scripts by chance. What they mean is said by `NaiveDecoder`, never by what is tested.
struct ScriptMaker {
    let kernel: Kernel
    let settings: Settings

    /// A client that sends messages, gets them back, and closes.
    func echoing(client: Int) -> Script {
        let door = kernel.pick(Script.Door.allCases)
        var script = Script(door: door, deeds: [])
        script.start = UInt64(kernel.draw(3)) * UInt64(kernel.draw(2_000_000_000))
        script.deeds.append(.send(handshake(door, client), endsFrame: true))
        script.deeds.append(.awaitReply)
        var frames: [WireFrame] = []
        for _ in 0..<kernel.draw(settings.messagesMax + 1) { frames += message() }
        var sent = 0
        for frame in frames {
            script.deeds.append(.send(frame.octets(to: .server, key: key()), endsFrame: true))
            if frame.isFinal, frame.opcode <= 2 { sent += 1 }
            if kernel.chance(100) { script.deeds.append(.awaitEchoes(kernel.draw(sent + 1))) }
            if kernel.chance(50) {
                script.deeds.append(.pause(UInt64(kernel.draw(3_000_000_000))))
            }
        }
        let close =
            kernel.chance(200)
            ? WireFrame.emptyClose : .close(kernel.pick([1000, 1001, 3000, 4999]), [])
        frames.append(close)
        script.deeds.append(.send(close.octets(to: .server, key: key()), endsFrame: true))
        understand(&script, frames)
        return script
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
            case .close(let code, _): script.close = .some(code?.rawValue)
            }
        }
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
        let octets = isText ? text(size()) : (0..<size()).map { _ in UInt8(kernel.draw(256)) }
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
                .ping((0..<kernel.draw(12)).map { _ in UInt8(kernel.draw(256)) }), at: index)
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

    private func key() -> [UInt8] { (0..<4).map { _ in UInt8(kernel.draw(256)) } }
}

/// The one opening handshake (RFC 6455 section 1.3).
enum Handshake {
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
}
