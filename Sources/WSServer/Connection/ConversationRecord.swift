// SPDX-License-Identifier: Apache-2.0
internal import WSCodec

/// What any thread may know of a conversation.
final class ConversationRecord: Sendable {
    let loop: EventLoop
    let request: Request
    let subprotocol: String?
    private let agreed: Agreed?
    private let ending = OnceReference<Ending>()

    private final class Ending: Sendable {
        let info: CloseInfo
        init(_ info: CloseInfo) { self.info = info }
    }

    /// What few conversations have, so that it takes little room in the others.
    private final class Agreed: Sendable {
        let compression: PerMessageDeflate
        init(_ compression: PerMessageDeflate) { self.compression = compression }
    }

    init(
        loop: EventLoop, request: Request, subprotocol: String?, compression: PerMessageDeflate?
    ) {
        self.loop = loop
        self.request = request.compact
        self.subprotocol = subprotocol
        agreed = compression.map(Agreed.init)
    }

    var isCompressed: Bool { agreed != nil }
    var compression: PerMessageDeflate? { agreed?.compression }

    var closeInfo: CloseInfo? { ending.load()?.info }

    func end(_ info: CloseInfo) { ending.storeIfNil(Ending(info)) }
}
