// SPDX-License-Identifier: Apache-2.0

/// The server's limits and an upgrade's options, resolved for sockets. Times in nanoseconds.
final class SocketSettings: Sendable {
    let limits: Limits
    let inboxMaxMessages: Int
    let inboxMaxBytes: Int
    let sendQueueHighWaterBytes: Int
    let sendQueueMaxBytes: Int
    let pongQueueMaxBytes: Int
    let pingInterval: UInt64?
    let pongTimeout: UInt64
    let closeTimeout: UInt64
    let messageStall: UInt64
    let compressorIdle: UInt64
    let backPressure: BackPressurePolicy
    let showsControlFrames: Bool

    /// One send block holds at most 2 GiB, header included.
    let outgoingMaxBytes = Int(Int32.max) - 16

    init(_ server: ServerLimits, _ options: UpgradeOptions) {
        limits = server.messages(options)
        inboxMaxMessages = max(1, server.inboxMaxMessages)
        inboxMaxBytes = max(1, server.inboxMaxBytes)
        sendQueueHighWaterBytes = max(1, server.sendQueueHighWaterBytes)
        sendQueueMaxBytes = server.sendQueueMaxBytes(message: limits.messageSizeMaxBytes)
        pongQueueMaxBytes = server.pongQueueMaxBytes
        let interval = options.pingInterval ?? server.pingInterval
        pingInterval = interval > .zero ? interval.wholeNanoseconds : nil
        pongTimeout = (options.pongTimeout ?? server.pongTimeout).wholeNanoseconds
        closeTimeout = server.closeTimeout.wholeNanoseconds
        messageStall = server.messageStallTimeout.wholeNanoseconds
        compressorIdle = server.compressorIdleTimeout.wholeNanoseconds
        backPressure = options.backPressure
        showsControlFrames = options.showsControlFrames
    }
}

/// The server's times for connections, in nanoseconds.
struct TimeLimits: Sendable {
    let requestHead: UInt64
    let keepAlive: UInt64
    let body: UInt64
    let handler: UInt64
    let sendStall: UInt64
    let linger: UInt64

    init(_ limits: ServerLimits) {
        requestHead = limits.requestHeadTimeout.wholeNanoseconds
        keepAlive = limits.keepAliveTimeout.wholeNanoseconds
        body = limits.bodyTimeout.wholeNanoseconds
        handler = limits.handlerTimeout.wholeNanoseconds
        sendStall = limits.sendStallTimeout.wholeNanoseconds
        linger = limits.lingerTimeout.wholeNanoseconds
    }
}

extension Duration {
    /// The duration in nanoseconds; 0 for a negative one, and never so long that adding it to a
    /// clock overflows.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        // 292 years and more are for ever.
        guard seconds < 4_000_000_000 else { return UInt64.max / 4 }
        return UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }
}
