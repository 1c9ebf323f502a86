// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WSServer

/// What one seed draws before anything happens: sizes and limits of the server.
struct Settings {
    var bufferCount: UInt32
    var bufferSize: UInt32
    var inboxMaxMessages: Int
    var inboxMaxBytes: Int
    var sendQueueHighWater: Int
    var messageSizeMax: Int
    var messagesMax: Int
    var clients: Int

    init(_ kernel: Kernel) {
        bufferCount = kernel.pick([1, 2, 4, 8])
        bufferSize = kernel.pick([16, 100, 512, 4096])
        inboxMaxMessages = kernel.pick([1, 2, 8, 64])
        inboxMaxBytes = kernel.pick([64, 1024, 65_536])
        sendQueueHighWater = kernel.pick([64, 1024, 65_536])
        messageSizeMax = kernel.pick([130, 1000, 4000])
        messagesMax = kernel.pick([1, 4, 12])
        clients = 1 + kernel.draw(5)
    }

    var messageLimits: Limits { Limits(messageSizeMaxBytes: messageSizeMax) }

    var limits: ServerLimits {
        var limits = ServerLimits()
        limits.messageSizeMaxBytes = messageSizeMax
        limits.inboxMaxMessages = inboxMaxMessages
        limits.inboxMaxBytes = inboxMaxBytes
        limits.sendQueueHighWaterBytes = sendQueueHighWater
        limits.connectionsMax = 64
        return limits
    }
}
