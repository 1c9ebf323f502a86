// SPDX-License-Identifier: Apache-2.0
internal import CSimulator
import WSCodec
import WSServer
import WireSamples

/// One client: plays its script, and checks everything the server does to it at once.
final class Client {
    /// What a client can do at the moment.
    enum Action { case connect, proceed, write, read }

    let number: Int
    let script: Script
    private let kernel: Kernel
    private let settings: Settings

    private(set) var handle: Int32?
    private(set) var isRefused = false
    private var position = 0
    private var sent = 0
    private var waitsUntil: UInt64?
    private var readsAgainAt: UInt64 = 0
    /// Answers to the server's frames, which go out between two frames of the script.
    private var answers: [UInt8] = []
    private var answered = 0
    private var reader = ReplyReader()
    private var hasSentClose = false

    // What came back.
    private(set) var echoes = 0
    private(set) var pongs = 0
    private(set) var close: (code: UInt16?, reason: String)?
    private(set) var sawEnd = false
    private(set) var sawReset = false

    // What the handler saw.
    private(set) var opened = 0
    private(set) var handled = 0
    private(set) var closeInfo: CloseInfo?

    init(_ number: Int, _ script: Script, _ kernel: Kernel, _ settings: Settings) {
        self.number = number
        self.script = script
        self.kernel = kernel
        self.settings = settings
    }

    var status: Int? { reader.status }
    var isOver: Bool { isRefused || sawEnd || sawReset }
    private var deed: Deed? { position < script.deeds.count ? script.deeds[position] : nil }
    var isDone: Bool { position == script.deeds.count }

    // MARK: Acting

    /// Writes what it can do now behind `actions`.
    func addActions(_ actions: inout [(Client, Action)]) {
        guard !isOver else { return }
        guard let handle else {
            if script.start <= kernel.now { actions.append((self, .connect)) }
            return
        }
        if kernel.hasNews(handle), readsAgainAt <= kernel.now { actions.append((self, .read)) }
        if writes != nil, kernel.room(handle) > 0 { actions.append((self, .write)) }
        if canProceed { actions.append((self, .proceed)) }
    }

    /// The octets to be sent now, if any.
    private var writes: ArraySlice<UInt8>? {
        if case .send(let octets, _)? = deed, sent > 0 { return octets[sent...] }
        if answered < answers.count { return answers[answered...] }
        if case .send(let octets, _)? = deed { return octets[...] }
        return nil
    }

    private var canProceed: Bool {
        switch deed {
        case .awaitReply: status != nil
        case .awaitEchoes(let count): echoes >= count
        case .pause: (waitsUntil ?? 0) <= kernel.now
        case .stopReading, .end, .reset: true
        case .send, nil: false
        }
    }

    /// When it can do something by itself at the latest; nil when it waits for the server.
    var nextTime: UInt64? {
        guard !isOver else { return nil }
        guard handle != nil else { return script.start }
        var next: UInt64?
        if let waitsUntil, waitsUntil > kernel.now { next = waitsUntil }
        if readsAgainAt > kernel.now, readsAgainAt != .max {
            next = min(next ?? .max, readsAgainAt)
        }
        return next
    }

    func act(_ action: Action) {
        switch action {
        case .connect: connect()
        case .proceed: proceed()
        case .write: write()
        case .read: read()
        }
    }

    private func connect() {
        handle = kernel.connect(
            toServer: kernel.pick([64, 1024, 65_536]), toClient: kernel.pick([64, 1024, 65_536]),
            network: number)
        isRefused = handle == nil
    }

    private func proceed() {
        guard let handle, let deed else { return }
        switch deed {
        case .pause(let time):
            guard waitsUntil != nil else { return waitsUntil = kernel.now + time }
            waitsUntil = nil
        case .stopReading(let time): readsAgainAt = time.map { kernel.now + $0 } ?? .max
        case .end: kernel.end(handle)
        case .reset:
            kernel.reset(handle)
            sawReset = true
        case .awaitReply, .awaitEchoes, .send: break
        }
        position += 1
    }

    private func write() {
        guard let handle, let octets = writes else { return }
        let isAnswer = answered < answers.count && sent == 0
        let most = kernel.chance(500) ? octets.count : 1 + kernel.draw(octets.count)
        let count = kernel.send(handle, octets.prefix(most))
        if isAnswer {
            answered += count
            if answered == answers.count {
                answers = []
                answered = 0
            }
        } else {
            sent += count
            if count == octets.count {
                sent = 0
                position += 1
            }
        }
    }

    private func read() {
        guard let handle else { return }
        let most = kernel.pick([1, 50, 4096])
        switch kernel.receive(handle, atMost: most) {
        case .octets(let octets):
            for octet in octets { take(octet) }
        case .end:
            sawEnd = true
            kernel.close(handle)
        case .reset: sawReset = true
        case .nothing: break
        }
    }

    // MARK: Checking what the server sends

    private func fail(_ text: String) { kernel.violate("client \(number) got \(text)") }

    private func take(_ octet: UInt8) {
        let message = reader.take(octet)
        if let mistake = reader.mistake { return fail(mistake) }
        switch message {
        case .text(let text): takeEcho(Echo(isText: true, octets: [UInt8](text.utf8)))
        case .binary(let octets): takeEcho(Echo(isText: false, octets: octets))
        case .ping(let payload): answer(WireFrame(10, payload))
        case .pong(let payload): takePong(payload)
        case .close(let code, let reason): takeClose(code?.rawValue, reason)
        case nil: break
        }
    }

    private func takeEcho(_ echo: Echo) {
        guard echoes < script.messages.count, script.messages[echoes] == echo else {
            return fail("message \(echoes) as it never sent it")
        }
        echoes += 1
    }

    private func takePong(_ payload: [UInt8]) {
        guard pongs < script.pings.count, script.pings[pongs] == payload else {
            return fail("pong \(pongs) to a ping it never sent")
        }
        pongs += 1
    }

    private func takeClose(_ code: UInt16?, _ reason: String) {
        close = (code, reason)
        if !hasSentOwnClose { answer(code.map { .close($0) } ?? .emptyClose) }
    }

    private var hasSentOwnClose: Bool { script.close != nil && isDone }

    private func answer(_ frame: WireFrame) { answers += frame.octets(to: .server) }

    // MARK: What the handler saw

    func handlerOpened() {
        opened += 1
        if opened > 1 { kernel.violate("client \(number): a handler was opened twice") }
    }

    func handlerReceived(_ message: Message) {
        let echo: Echo
        switch message {
        case .text(let text): echo = Echo(isText: true, octets: [UInt8](text.utf8))
        case .binary(let octets): echo = Echo(isText: false, octets: octets)
        default: return kernel.violate("client \(number): its handler got a control frame")
        }
        kernel.note("handler receives", number, handled, echo.octets.count)
        if closeInfo != nil { kernel.violate("client \(number): a message behind the end") }
        guard handled < script.messages.count, script.messages[handled] == echo else {
            return kernel.violate("client \(number): its handler got message \(handled) wrong")
        }
        handled += 1
    }

    func handlerClosed(_ info: CloseInfo) {
        kernel.note("handler closed", number, Int(info.code.rawValue), info.isClean ? 1 : 0)
        if closeInfo != nil { kernel.violate("client \(number): its handler was closed twice") }
        closeInfo = info
    }

    // MARK: The verdict

    /// What is wrong with how it was served, now that it must have been; nil when nothing is.
    func complaint() -> String? {
        guard let handle else { return kernel.count(.acceptFailure) > 0 ? nil : "was refused" }
        let connection = kernel.connection(handle)
        if connection.excuse != 0 {
            return connection.is_accepted && !connection.is_closed ? "is still open" : nil
        }
        if connection.is_turned_away {
            if kernel.count(.acceptFailure) == 0 { return "was turned away" }
            return status == nil || status == 503 ? nil : "got status \(status ?? 0)"
        }
        if status != 101 { return "got status \(status ?? 0)" }
        if handled != script.messages.count {
            return "had \(handled) of \(script.messages.count) messages handled"
        }
        if echoes != script.messages.count {
            return "got \(echoes) of \(script.messages.count) messages back"
        }
        if pongs != script.pings.count { return "got \(pongs) of \(script.pings.count) pongs" }
        guard let close else { return "got no Close" }
        if close.code != script.close ?? nil { return "got Close \(close.code ?? 0)" }
        if !sawEnd { return "saw no end of the stream" }
        guard let closeInfo else { return "its handler was not closed" }
        if !closeInfo.isClean || closeInfo.cause != .closeFrame || closeInfo.initiator != .remote {
            return "its handler was told \(closeInfo)"
        }
        return nil
    }
}
