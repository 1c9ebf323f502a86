// SPDX-License-Identifier: Apache-2.0
internal import Logging

/// HTTP/1.1 on one connection, up to the upgrade: one request after the other.
///
/// Theory: `.head` reads a request head; broken HTTP, and a handshake with a body, are refused
/// here. `.body` collects the body of a request that has a route. `.answering` waits for the reply,
/// which a synchronous route gives at once and an asynchronous one from a task; octets that come
/// meanwhile are the next request's and are left with the connection. Then `.head` again, or
/// `.over`: the connection finishes, or belongs to a conversation.
///
/// Recognising a handshake never answers by itself: only an `.upgrade` reply judges it. A
/// handshake that gets any other reply is refused with it, and nothing behind it is read.
final class Exchange {
    private enum Stage { case head, body, answering, over }

    /// What becomes of a reply.
    enum Verdict {
        /// The 101 is queued; the task goes on as the socket's.
        case conversation(WebSocket, WebSocket.Handler)
        /// The 101 is queued and a callback handler has the socket, or nobody waits any more.
        case settled
        /// An ordinary reply, which the after-middleware has still to see.
        case reply(Reply)
    }

    private let connection: Connection
    private let core: LoopCore
    private var stage = Stage.head
    private var parser: RequestHeadParser
    private var request: Request?
    private var pending: (head: RequestHead, match: RouteMatch, body: BodyReader)?
    private var task: Task<Void, any Error>?
    /// Which request this is: a reply that comes too late is told by it.
    private var number: UInt64 = 0
    private var closesAfterReply = false
    private var hasServed = false
    private lazy var remoteAddress = connection.peerAddress()

    /// Heads among the octets that wait, by their ends.
    private var waiting = (heads: 0, matched: 0)

    private var deadline: UInt64?
    private var bodyStart: UInt64 = 0

    init(_ connection: Connection) {
        self.connection = connection
        core = connection.core
        parser = RequestHeadParser(limits: core.shared.httpLimits)
        // The first head's time runs from accept.
        deadline = core.now &+ core.times.requestHead
    }

    // MARK: Octets in

    /// Whether octets are of use now, with `kept` octets already waiting. While a request is
    /// answered a few further ones may wait: then reading pauses.
    func wantsOctets(kept: Int) -> Bool {
        switch stage {
        case .head: hasRoom
        case .body: true
        case .answering:
            waiting.heads < core.limits.pipelinedRequestsMax && kept < Self.waitingMaxBytes
        case .over: false
        }
    }

    /// The most octets of pipelined requests that wait for their turn.
    private static let waitingMaxBytes = 64 * 1024

    /// Whether the client is being read, or has its replies: else its time stands still. A client
    /// that does not take its replies runs into the send queue's own limit.
    private var isRead: Bool {
        parser.isInsideHead ? hasRoom : connection.octetsQueued == 0
    }

    private var hasRoom: Bool { connection.octetsQueued < core.limits.sendQueueHighWaterBytes }

    /// Takes octets; gives how many. None while a reply is awaited.
    func receive(_ octets: Span<UInt8>) -> Int {
        switch stage {
        case .head: hasRoom ? receiveHead(octets) : 0
        case .body: receiveBody(octets)
        case .answering, .over: 0
        }
    }

    /// Counts the requests that begin to wait. An empty line within a body counts as one: it makes
    /// reading pause a little earlier.
    func countWaiting(_ octets: Span<UInt8>) {
        for index in octets.indices {
            let octet = octets[index]
            if octet == (waiting.matched % 2 == 0 ? 0x0D : 0x0A) {
                waiting.matched += 1
            } else {
                waiting.matched = octet == 0x0D ? 1 : 0
            }
            if waiting.matched == 4 { waiting = (waiting.heads + 1, 0) }
        }
    }

    private func receiveHead(_ octets: Span<UInt8>) -> Int {
        let wasInside = parser.isInsideHead
        do {
            guard let consumed = try parser.receive(octets) else {
                if hasServed, !wasInside, parser.isInsideHead {
                    deadline = core.now &+ core.times.requestHead
                    connection.scheduleTimer()
                }
                return octets.count
            }
            headComplete(parser.takeHead())
            return consumed
        } catch {
            refuse(.plain(error.status))
            return octets.count
        }
    }

    /// Everything that waited has been taken.
    func nothingWaits() { waiting = (0, 0) }

    private func headComplete(_ head: RequestHead) {
        // It may be one of those that waited.
        waiting.heads = max(0, waiting.heads - 1)
        if head.isHandshake, head.hasBody { return refuse(.plain(.badRequest)) }
        if head.expectsUnknown {
            return refuse(.plain(.expectationFailed))
        }
        closesAfterReply = !head.isKeepAlive || head.isHandshake
        let match = core.responder.match(head)
        guard head.hasBody else { return answer(head, match, body: []) }
        guard case .matched = match else {
            // The body of a request that goes nowhere is not read.
            closesAfterReply = true
            return answer(head, match, body: [])
        }
        let framing: BodyReader.Framing =
            head.isChunked ? .chunked : .length(head.contentLength ?? 0)
        do {
            let reader = try BodyReader(
                framing, sizeMax: core.limits.bodySizeMaxBytes,
                headMax: core.limits.requestHeadMaxBytes)
            pending = (head, match, reader)
        } catch {
            return refuse(.plain(error.status))
        }
        if head.expectsContinue { write(ReplyEncoder.continue) }
        stage = .body
        bodyStart = core.now
        deadline = min(core.now &+ core.times.body, core.now &+ Self.rateCheckInterval)
        connection.scheduleTimer()
    }

    private func receiveBody(_ octets: Span<UInt8>) -> Int {
        guard case (let head, let match, var reader)? = pending.take() else { return 0 }
        do {
            let consumed = try reader.receive(octets)
            if reader.isComplete {
                answer(head, match, body: reader.body)
            } else {
                pending = (head, match, reader)
            }
            return consumed
        } catch {
            refuse(.plain(error.status))
            return octets.count
        }
    }

    // MARK: The reply

    private func answer(_ head: RequestHead, _ match: RouteMatch, body: [UInt8]) {
        stage = .answering
        deadline = nil
        number &+= 1
        var parameters: [String: String] = [:]
        if case .matched(_, let found) = match { parameters = found }
        let request = Request(
            head: head, body: body, parameters: parameters,
            remoteAddress: remoteAddress)
        self.request = request
        let responder = core.responder
        guard responder.answersSynchronously(match) else {
            return startTask(request, match)
        }
        switch judge(number, responder.answerSynchronously(request, match)) {
        case .settled: break
        case .conversation(let socket, let body): startConversation(socket, body)
        case .reply(let reply):
            guard responder.finishesSynchronously else { return startFinishing(reply, request) }
            finish(number, responder.finishSynchronously(reply, for: request))
        }
    }

    /// Answers from a task, which goes on as the socket's if the reply is an upgrade.
    private func startTask(_ request: Request, _ match: RouteMatch) {
        deadline = core.now &+ core.times.handler
        connection.scheduleTimer()
        let number = number
        task = core.startTask(self) { exchange in
            let opened = await Self.answer(exchange, number, request, match)
            if let (socket, body) = opened { await Conversation.run(socket, body) }
        }
    }

    /// Answers a request, and gives the socket that the task goes on as, if there is one. Never
    /// inlined: its locals would stay with the task for as long as the socket lives.
    @inline(never) @concurrent
    private static func answer(
        _ exchange: Confined<Exchange>, _ number: UInt64, _ request: Request, _ match: RouteMatch
    ) async -> (WebSocket, WebSocket.Handler)? {
        let responder = exchange.onLoop.core.responder
        let reply = await responder.answer(request, match)
        switch exchange.onLoop.judge(number, reply) {
        case .settled: return nil
        case .conversation(let socket, let body): return (socket, body)
        case .reply(let reply):
            let finished = await responder.finish(reply, for: request)
            exchange.onLoop.finish(number, finished)
            return nil
        }
    }

    private func startFinishing(_ reply: Reply, _ request: Request) {
        deadline = core.now &+ core.times.handler
        connection.scheduleTimer()
        let (number, responder) = (number, core.responder)
        task = core.startTask(self) { exchange in
            let finished = await responder.finish(reply, for: request)
            exchange.onLoop.finish(number, finished)
        }
    }

    private func startConversation(_ socket: WebSocket, _ body: @escaping WebSocket.Handler) {
        let conversation = socket.confined.onLoop
        conversation.adopt(
            core.startTask(conversation) { _ in
                await Conversation.run(socket, body)
            })
    }

    /// Judges a reply: an upgrade against the handshake, in the order of the statuses here
    /// (RFC 6455 section 4.2.2).
    private func judge(_ number: UInt64, _ reply: Reply) -> Verdict {
        guard number == self.number, stage == .answering, let request else { return .settled }
        guard let upgrade = reply.upgrade else { return .reply(reply) }
        let shared = core.shared
        let handshake: HandshakeRequest
        do {
            handshake = try HandshakeRequest(validating: request.head)
        } catch {
            return .reply(.plain(error.status, headers: error.headerFields))
        }
        let origin = upgrade.options.origin ?? shared.configuration.origin
        guard origin.allows(request.head) else { return .reply(.plain(.forbidden)) }
        if core.isDraining || shared.configuration.memoryBudget.isNearlyFull {
            return .reply(.unavailable)
        }
        let compression = Self.compression(
            handshake, upgrade.options.compression ?? shared.configuration.compression,
            core.compressionPool)
        do {
            let octets = try HandshakeResponse.accept(
                handshake, subprotocol: upgrade.subprotocol,
                extensions: compression.map { [$0.response] } ?? [], headerFields: reply.headers)
            write(octets)
        } catch {
            shared.log.error("upgrade of \(request.path) refused: \(error)")
            return .reply(.plain(.internalServerError))
        }
        return open(upgrade, request, compression?.contexts)
    }

    /// The contexts for what the client offers, and what answers it; nil when there is nothing to
    /// agree on, or no memory for it.
    private static func compression(
        _ handshake: HandshakeRequest, _ wanted: Compression, _ pool: CompressionPool
    ) -> (contexts: CompressionContexts, response: ExtensionOffer)? {
        guard case .on(let settings) = wanted,
            let (agreed, response) = PerMessageDeflate.answer(
                handshake.extensions, with: settings),
            let contexts = CompressionContexts(agreed, role: .server, pool: pool)
        else { return nil }
        return (contexts, response)
    }

    private func open(
        _ upgrade: Upgrade, _ request: Request, _ compression: CompressionContexts?
    ) -> Verdict {
        guard let loop = core.loop else { return .settled }
        stage = .over
        deadline = nil
        let record = ConversationRecord(
            loop: loop, request: request, subprotocol: upgrade.subprotocol,
            compression: compression?.agreed)
        let settings = core.shared.settings(for: upgrade.options)
        self.request = nil
        switch upgrade.door {
        case .conversation(let body):
            let conversation = Conversation(
                connection, record, settings, compression, handler: nil)
            connection.become(conversation)
            if let task { conversation.adopt(task) }
            connection.resumeSoon()
            task = nil
            return .conversation(conversation.handle, body)
        case .callback(let make):
            let conversation = Conversation(
                connection, record, settings, compression, handler: make())
            connection.become(conversation)
            conversation.notifyOpened()
            connection.resumeSoon()
            task = nil
            return .settled
        }
    }

    /// Sends an ordinary reply, and goes on to the next request or to the end.
    private func finish(_ number: UInt64, _ reply: Reply) {
        guard number == self.number, stage == .answering, let request else { return }
        task = nil
        self.request = nil
        if core.isDraining { closesAfterReply = true }
        var octets: [UInt8] = []
        let isHead = request.method == .head
        do {
            try encode(reply, isHead: isHead, into: &octets)
        } catch {
            core.shared.log.error("reply to \(request.path) cannot be sent: \(error)")
            octets = []
            try? encode(.plain(.internalServerError), isHead: isHead, into: &octets)
        }
        write(octets)
        guard !closesAfterReply else { return end() }
        stage = .head
        hasServed = true
        deadline = core.now &+ core.times.keepAlive
        connection.resumeSoon()
        connection.scheduleTimer()
    }

    private func encode(
        _ reply: Reply, isHead: Bool, into octets: inout [UInt8]
    ) throws(ReplyEncoder.Mistake) {
        try ReplyEncoder.encode(
            reply, date: core.date.octets(core.now, core.ring),
            persistence: closesAfterReply ? .closed : .keptOpen, isHead: isHead, into: &octets)
    }

    /// Answers what no route will see, and ends the connection.
    private func refuse(_ reply: Reply) {
        closesAfterReply = true
        var octets: [UInt8] = []
        try? encode(reply, isHead: request?.method == .head, into: &octets)
        write(octets)
        end()
    }

    private func write(_ octets: [UInt8]) {
        if !connection.queue(octets) { connection.lose(.outOfMemory) }
    }

    private func end() {
        stage = .over
        deadline = nil
        pending = nil
        connection.finish()
    }

    // MARK: Events of the connection

    /// Room in the send queue: pipelined requests go on.
    func sendProgressed() {
        if stage == .head, hasRoom { connection.resumeSoon() }
    }

    /// The peer has sent its last octet. A reply under way may still reach it.
    func endOfStream() {
        switch stage {
        case .answering: closesAfterReply = true
        case .head, .body, .over:
            stage = .over
            connection.finish()
        }
    }

    func lost() {
        stage = .over
        number &+= 1
        task?.cancel()
        task = nil
        request = nil
        pending = nil
    }

    func drain() {
        switch stage {
        case .head where !parser.isInsideHead:
            if hasServed { return end() }
            // It may have been accepted with its request on the way: that gets an answer.
            deadline = min(deadline ?? UInt64.max, core.now &+ Self.firstOctetWait)
            connection.scheduleTimer()
        case .head, .body, .answering, .over: closesAfterReply = true
        }
    }

    // MARK: Time

    /// How long a connection without any octet is kept while the server drains, in nanoseconds.
    private static let firstOctetWait: UInt64 = 500_000_000

    /// A body is looked at this often, in nanoseconds, for the rate it comes at.
    private static let rateCheckInterval: UInt64 = 5_000_000_000

    var nextDeadline: UInt64? { deadline }

    func timerFired() {
        guard let deadline, deadline <= core.now else { return }
        switch stage {
        case .head:
            guard isRead else { return self.deadline = core.now &+ core.times.keepAlive }
            // Nobody waits for an answer to a request that was never begun.
            if parser.isInsideHead { refuse(.plain(.requestTimeout)) } else { end() }
        case .body:
            bodyTimerFired()
        case .answering:
            task?.cancel()
            task = nil
            number &+= 1
            refuse(.unavailable)
        case .over:
            self.deadline = nil
        }
    }

    private func bodyTimerFired() {
        let elapsed = core.now &- bodyStart
        let seconds = Int(clamping: elapsed / 1_000_000_000)
        let (least, overflow) = seconds.multipliedReportingOverflow(
            by: core.limits.bodyRateMinBytesPerSecond)
        let taken = pending?.body.octetsTaken ?? 0
        if elapsed >= core.times.body || overflow || taken < least {
            return refuse(.plain(.requestTimeout))
        }
        deadline = min(bodyStart &+ core.times.body, core.now &+ Self.rateCheckInterval)
    }
}
