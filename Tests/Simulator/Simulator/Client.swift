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
    private let answersDue: [Echo]

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
    /// How many of the deeds are done at the most; fewer once a Close has been answered.
    private var deedsEnd: Int

    // What came back.
    private(set) var echoes = 0
    private(set) var pongs = 0
    private(set) var close: (code: UInt16?, reason: String)?
    private(set) var sawEnd = false
    private(set) var sawReset = false

    // What the handler saw.
    private(set) var opened = 0
    private(set) var handled = 0
    private(set) var handlerSends = 0
    private(set) var handlersClosed = 0
    private(set) var closeInfo: CloseInfo?

    init(_ number: Int, _ script: Script, _ kernel: Kernel, _ settings: Settings) {
        self.number = number
        self.script = script
        self.kernel = kernel
        self.settings = settings
        answersDue = script.answers
        deedsEnd = script.deeds.count
    }

    var status: Int? { reader.status }
    var isOver: Bool { isRefused || sawEnd || sawReset }
    private var deed: Deed? { position < deedsEnd ? script.deeds[position] : nil }

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
        case .ping(let payload): if script.answersPings { answer(WireFrame(10, payload)) }
        case .pong(let payload): takePong(payload)
        case .close(let code, let reason): takeClose(code?.rawValue, reason)
        case nil: break
        }
    }

    private func takeEcho(_ echo: Echo) {
        guard echoes < answersDue.count, answersDue[echoes] == echo else {
            return fail("message \(echoes) wrong")
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
        if hasSentClose { return }
        if script.answersClose { answer(code.map { .close($0) } ?? .emptyClose) }
        // A frame begun is ended; behind the Close nothing is sent.
        deedsEnd = min(deedsEnd, position + (sent > 0 ? 1 : 0))
    }

    /// Whether its own Close is out.
    private var hasSentClose: Bool {
        script.ownClose != nil && deedsEnd == script.deeds.count && position == deedsEnd
    }

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
        if handlersClosed > 0 { kernel.violate("client \(number): a message behind the end") }
        guard handled < script.messages.count, script.messages[handled] == echo else {
            return kernel.violate("client \(number): its handler got message \(handled) wrong")
        }
        handled += 1
    }

    func handlerSent() {
        handlerSends += 1
        kernel.note("handler sends", number, handlerSends)
    }

    /// The handler is through; with what it was told of the end, if it was.
    func handlerClosed(_ info: CloseInfo?) {
        kernel.note("handler closed", number, Int(info?.code.rawValue ?? 0))
        handlersClosed += 1
        if handlersClosed > 1 { kernel.violate("client \(number): its handler ended twice") }
        closeInfo = info
    }

    // MARK: The verdict

    /// What is wrong with how it was served, now that it must have been; nil when nothing is.
    /// `isDrained` when the server went away in the midst of it.
    func complaint(isDrained: Bool) -> String? {
        let accepts = kernel.count(.acceptFailure) == 0
        guard let handle else { return accepts && !isDrained ? "was refused" : nil }
        let connection = kernel.connection(handle)
        guard connection.is_accepted else {
            let isExcused = connection.excuse != 0 || (sawReset && !accepts)
            return isExcused || isDrained ? nil : "was not accepted"
        }
        if connection.is_turned_away {
            if accepts { return "was turned away" }
            return status == nil || status == 503 ? nil : "got status \(status ?? 0)"
        }
        if !connection.is_closed { return "is still open" }
        if opened != handlersClosed { return "had \(opened) handlers, ended \(handlersClosed)" }
        if connection.excuse != 0 { return nil }
        // What a handler has sent before the Close arrives before it.
        if close != nil, echoes != handlerSends {
            return "got \(echoes) of \(handlerSends) messages sent"
        }
        return isDrained ? nil : complaint()
    }

    /// What is wrong when nothing was in the way.
    private func complaint() -> String? {
        switch script.end {
        case .noHandshake:
            return status == nil || status == 408 ? nil : "got status \(status ?? 0)"
        case .any: return nil
        case .loss:
            return closeInfo?.isClean == true ? "was told a clean end" : nil
        case .closeOfClient(let code):
            return served() ?? closed(code)
                ?? told(.closeFrame, by: .remote, isClean: true)
        case .closeOfServer(let code):
            switch script.behaviour {
            case .closes, .fails:
                // When the client's own Close has come before, it is answered.
                if hasSentClose, let own = script.ownClose, close?.code == own {
                    return served() ?? closed(own)
                }
                return served() ?? closed(code)
            case .echoes, .floods:
                if let complaint = served() ?? closed(code) { return complaint }
                guard case .violation? = closeInfo?.cause else {
                    return "its handler was told \(closeInfo.map { "\($0)" } ?? "nothing")"
                }
                return nil
            }
        }
    }

    private func served() -> String? {
        if status != 101 { return "got status \(status ?? 0)" }
        switch script.behaviour {
        case .echoes, .floods:
            if handled != script.messages.count {
                return "had \(handled) of \(script.messages.count) messages handled"
            }
            if pongs != script.pings.count {
                return "got \(pongs) of \(script.pings.count) pongs"
            }
        case .closes(let count, _), .fails(let count):
            if handled != count { return "had \(handled) of \(count) messages handled" }
        }
        if echoes != answersDue.count {
            return "got \(echoes) of \(answersDue.count) messages"
        }
        return nil
    }

    private func closed(_ code: UInt16?) -> String? {
        guard let close else { return "got no Close" }
        if close.code != code { return "got Close \(close.code ?? 0)" }
        return sawEnd ? nil : "saw no end of the stream"
    }

    private func told(
        _ cause: CloseInfo.Cause, by initiator: CloseInfo.Initiator, isClean: Bool
    ) -> String? {
        guard let closeInfo else { return "its handler was told nothing" }
        let isRight =
            closeInfo.cause == cause && closeInfo.initiator == initiator
            && closeInfo.isClean == isClean
        return isRight ? nil : "its handler was told \(closeInfo)"
    }
}
