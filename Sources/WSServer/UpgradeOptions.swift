// SPDX-License-Identifier: Apache-2.0
public import WSCodec

/// What one route's sockets do differently from the server's defaults.
///
/// `nil` leaves a value to the server's `ServerLimits` or configuration.
public struct UpgradeOptions: Sendable {
    /// Who may open the socket from a web page; a refused Origin gets 403.
    public var origin: OriginPolicy?
    /// The largest message, in octets of payload over all its fragments.
    public var messageSizeMaxBytes: Int?
    /// The largest frame, in octets of payload.
    public var frameSizeMaxBytes: Int?
    /// The most fragments of one message.
    public var fragmentCountMax: Int?
    /// The silence after which the peer is sent a ping; `.zero` sends none.
    public var pingInterval: Duration?
    /// The time the peer has to answer a ping.
    public var pongTimeout: Duration?
    /// What becomes of messages for a peer that reads too slowly.
    public var backPressure: BackPressurePolicy
    /// Whether messages are compressed where the client offers it.
    public var compression: Compression?
    /// Whether pings, pongs and the Close frame appear among the messages too. They are answered
    /// by the server either way.
    public var showsControlFrames: Bool

    /// The server's defaults, save for what is given.
    public init(
        origin: OriginPolicy? = nil, messageSizeMaxBytes: Int? = nil,
        frameSizeMaxBytes: Int? = nil, fragmentCountMax: Int? = nil,
        pingInterval: Duration? = nil, pongTimeout: Duration? = nil,
        backPressure: BackPressurePolicy = .suspend, compression: Compression? = nil,
        showsControlFrames: Bool = false
    ) {
        self.origin = origin
        self.messageSizeMaxBytes = messageSizeMaxBytes
        self.frameSizeMaxBytes = frameSizeMaxBytes
        self.fragmentCountMax = fragmentCountMax
        self.pingInterval = pingInterval
        self.pongTimeout = pongTimeout
        self.backPressure = backPressure
        self.compression = compression
        self.showsControlFrames = showsControlFrames
    }
}
