// SPDX-License-Identifier: Apache-2.0
import CYardstick
import NIOCore
import NIOEmbedded
import NIOWebSocket

/// SwiftNIO's decoder in an embedded channel, and a handler that unmasks what it finds, as every
/// application must. It does not validate text, which the codec does.
final class NIODecoding {
    private let channel = EmbeddedChannel()
    private let unmasking = Unmasking()
    private let wire: Wire

    init(_ wire: Wire, check: Wire) throws {
        self.wire = wire
        let decoder = ByteToMessageHandler(
            WebSocketFrameDecoder(maxFrameSize: min(wire.octets.count, Int(UInt32.max))))
        try channel.pipeline.syncOperations.addHandler(decoder)
        try channel.pipeline.syncOperations.addHandler(unmasking)
        unmasking.kept = []
        try channel.writeInbound(ByteBuffer(bytes: check.octets))
        guard unmasking.frames == check.frames, unmasking.kept == check.payloads else {
            throw Failure("NIO does not find the messages that are there")
        }
        unmasking.kept = nil
    }

    deinit { _ = try? channel.finish() }

    var contender: Contender {
        let buffer = ByteBuffer(bytes: wire.octets)
        return Contender(name: Contest.nio) { passes in
            let (frames, octets) = (self.unmasking.frames, self.unmasking.octets)
            let start = yardstick_now()
            for _ in 0..<passes { try self.channel.writeInbound(buffer) }
            let time = yardstick_now() - start
            guard self.unmasking.frames - frames == passes * self.wire.frames,
                self.unmasking.octets - octets == passes * self.wire.payloads.count
            else { throw Failure("NIO does not find the messages that are there") }
            return Double(time)
        }
    }
}

private final class Unmasking: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame

    private(set) var frames = 0
    private(set) var octets = 0
    /// What came, for a check.
    var kept: [UInt8]?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let payload = Self.unwrapInboundIn(data).unmaskedData
        frames += 1
        octets += payload.readableBytes
        kept?.append(contentsOf: payload.readableBytesView)
    }
}
