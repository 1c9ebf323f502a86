// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import WSCodec

/// What any thread may know of a conversation.
final class ConversationRecord: Sendable {
    let loop: EventLoop
    let request: Request
    let subprotocol: String?
    let compression: PerMessageDeflate?
    private let ending = AtomicLazyReference<Ending>()

    private final class Ending: Sendable {
        let info: CloseInfo
        init(_ info: CloseInfo) { self.info = info }
    }

    init(
        loop: EventLoop, request: Request, subprotocol: String?, compression: PerMessageDeflate?
    ) {
        self.loop = loop
        self.request = request
        self.subprotocol = subprotocol
        self.compression = compression
    }

    var closeInfo: CloseInfo? { ending.load()?.info }

    func end(_ info: CloseInfo) { _ = ending.storeIfNil(Ending(info)) }
}
