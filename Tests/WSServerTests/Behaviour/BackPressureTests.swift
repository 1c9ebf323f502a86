// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer

/// A reader that stops reading, and a handler that stops reading: what is held stays within the
/// limits, others are served, and both go on where they were.
@Suite("Back-pressure", .timeLimit(.minutes(3))) struct BackPressureTests {
    /// The 101 counts toward the send queue as well: with a small one it fills it by itself.
    @Test(arguments: WebSocketServer.Backend.testable)
    func `a callback socket whose 101 fills the send queue goes on when it has left`(
        _ backend: WebSocketServer.Backend
    ) async throws {
        try await serving(backend, limits: { $0.sendQueueHighWaterBytes = 1 }) { router in
            router.get("/") { _ in .upgrade(handler: { EchoHandler() }) }
        } client: { serving in
            let peer = try await Peer.connect(serving.port)
            try await peer.write(
                Array(Peer.handshake("/").utf8) + PeerFrame.text("early").octets
                    + PeerFrame.text("next").octets)
            #expect(try await peer.reply().status == 101)
            #expect(try await peer.frame() == .text("early"))
            #expect(try await peer.frame() == .text("next"))
            try await peer.leave()
        }
    }
}
