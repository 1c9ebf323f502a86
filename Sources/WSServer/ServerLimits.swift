// SPDX-License-Identifier: Apache-2.0
import WSCodec

/// Everything a client can make the server hold or wait for, bounded.
///
/// The defaults suit a server open to the world. Sizes are in octets, times are `Duration`s.
/// A size, count or time below what its comment allows is refused when the server starts.
public struct ServerLimits: Sendable, Equatable {
    // MARK: Requests

    /// The longest request line, in octets without its CRLF; a longer one gets 414.
    public var requestLineMaxBytes = 8 * 1024
    /// The longest request head, in octets from the request line to the empty line; a longer one
    /// gets 431. Trailer fields of a chunked body get as much again.
    public var requestHeadMaxBytes = 16 * 1024
    /// The most fields in a request head; more get 431. Counts as much as size does, for every
    /// field costs a record.
    public var fieldCountMax = 100
    /// The time for one whole request head, from the connection's start or from the head's first
    /// octet: absolute, so that a client sending an octet now and then gains nothing. Then 408.
    public var requestHeadTimeout: Duration = .seconds(10)
    /// How long a connection may lie idle between two requests.
    public var keepAliveTimeout: Duration = .seconds(15)
    /// The largest request body, in octets after chunked coding is undone; a larger one gets 413.
    public var bodySizeMaxBytes = 1 << 20
    /// The time for one whole request body. Then 408.
    public var bodyTimeout: Duration = .seconds(30)
    /// The least mean rate of a request body, in octets a second, judged every five seconds. A
    /// slower one gets 408. 0 judges none.
    public var bodyRateMinBytesPerSecond = 1024
    /// The time a route and its middleware have for a reply. Then 503, and their task is
    /// cancelled.
    public var handlerTimeout: Duration = .seconds(30)
    /// The most requests of one connection waiting for the reply before theirs; the connection is
    /// not read further while so many wait.
    public var pipelinedRequestsMax = 16

    // MARK: Messages

    /// The largest message, in octets of payload over all its fragments; a larger one closes with
    /// 1009. Memory grows with the octets received, never with the length a frame declares.
    public var messageSizeMaxBytes = 1 << 20
    /// The largest frame, in octets of payload; a larger one closes with 1009. `Int.max` leaves it
    /// to the message's limit.
    public var frameSizeMaxBytes = Int.max
    /// The most fragments of one message, empty ones counted; more close with 1009. Fragments are
    /// joined as they come and cost no record, so this only ends messages that never end.
    public var fragmentCountMax = 131_072
    /// How long a message that has begun may make no progress, by an octet or a fragment, before
    /// its socket is closed with 1008. Stands still while the connection is not read.
    public var messageStallTimeout: Duration = .seconds(60)
    /// The octets of messages a socket's handler may leave unread before its connection is read no
    /// further. Reading goes on when half is taken.
    public var inboxMaxBytes = 64 * 1024
    /// The messages a socket's handler may leave unread before its connection is read no further.
    public var inboxMaxMessages = 64

    // MARK: Sending

    /// The octets waiting to be sent above which `send` waits and the client is read no further.
    public var sendQueueHighWaterBytes = 64 * 1024
    /// The octets waiting to be sent above which the connection is dropped; `nil` is the larger of
    /// 1 MiB and the largest message.
    public var sendQueueMaxBytes: Int?
    /// How long a connection may take none of the octets waiting for it before it is dropped.
    public var sendStallTimeout: Duration = .seconds(30)
    /// The octets of pongs waiting to be sent above which only the latest is kept
    /// (RFC 6455 section 5.5.3 allows it).
    public var pongQueueMaxBytes = 16 * 1024

    // MARK: Liveness and closing

    /// The silence after which a socket's peer is sent a ping; `.zero` sends none.
    public var pingInterval: Duration = .seconds(20)
    /// The time a peer has to answer a ping with a pong or with anything else, before its
    /// connection is dropped. Stands still while the connection is not read.
    public var pongTimeout: Duration = .seconds(20)
    /// The time for the closing handshake, from our Close frame to the peer's.
    public var closeTimeout: Duration = .seconds(10)
    /// How long a connection we have ended is still read, so that the last octets sent are not
    /// destroyed by a reset (RFC 9112 section 9.6).
    public var lingerTimeout: Duration = .seconds(1)
    /// The octets read and dropped while lingering, before the connection is cut after all.
    public var lingerMaxBytes = 64 * 1024

    /// The time without a compressed message after which a socket's compressor is given up. The
    /// next one is made when it is needed; it compresses a little less at first.
    public var compressorIdleTimeout: Duration = .seconds(20)

    // MARK: Connections

    /// The most connections at once; `nil` is 80 % of the process's descriptor limit
    /// (RLIMIT_NOFILE), less 16. More get 503 and are closed.
    public var connectionsMax: Int?
    /// The most connections at once from one address, or from one network of 64 bits in IPv6; more
    /// get 503 and are closed. `nil` is any number: behind a proxy all of them come from one.
    public var connectionsPerAddressMax: Int?
    /// The connections the kernel keeps waiting to be accepted, per listening socket.
    public var backlog = 1024

    /// The defaults, to change from.
    public init() {}
}

extension ServerLimits {
    /// What a request head may cost.
    var head: HTTPLimits {
        HTTPLimits(
            requestLineMaxBytes: requestLineMaxBytes, headMaxBytes: requestHeadMaxBytes,
            fieldCountMax: fieldCountMax)
    }

    /// What a socket takes from its peer, with what its route says first.
    func messages(_ options: UpgradeOptions) -> Limits {
        Limits(
            messageSizeMaxBytes: options.messageSizeMaxBytes ?? messageSizeMaxBytes,
            frameSizeMaxBytes: options.frameSizeMaxBytes ?? frameSizeMaxBytes,
            fragmentCountMax: options.fragmentCountMax ?? fragmentCountMax)
    }

    /// The hard cap of a send queue, in octets, for messages of at most `message` octets.
    func sendQueueMaxBytes(message: Int) -> Int {
        sendQueueMaxBytes ?? max(1 << 20, message)
    }

    /// The connections allowed when the process may have `descriptors` descriptors open.
    func connectionsMax(descriptors: Int) -> Int {
        connectionsMax ?? max(1, max(descriptors, 0) - max(descriptors, 0) / 5 - 16)
    }

    /// What is wrong with these limits, in words for whoever configured them; `nil` if nothing is.
    var mistake: String? {
        let atLeastOne: [(String, Int)] = [
            ("requestLineMaxBytes", requestLineMaxBytes),
            ("requestHeadMaxBytes", requestHeadMaxBytes),
            ("fieldCountMax", fieldCountMax),
            ("pipelinedRequestsMax", pipelinedRequestsMax),
            ("messageSizeMaxBytes", messageSizeMaxBytes),
            ("frameSizeMaxBytes", frameSizeMaxBytes),
            ("fragmentCountMax", fragmentCountMax),
            ("inboxMaxBytes", inboxMaxBytes),
            ("inboxMaxMessages", inboxMaxMessages),
            ("sendQueueHighWaterBytes", sendQueueHighWaterBytes),
            ("sendQueueMaxBytes", sendQueueMaxBytes ?? 1),
            ("connectionsMax", connectionsMax ?? 1),
            ("connectionsPerAddressMax", connectionsPerAddressMax ?? 1),
            ("backlog", backlog),
        ]
        for (name, value) in atLeastOne where value < 1 {
            return "\(name) is \(value), but must be at least 1"
        }
        let atLeastZero: [(String, Int)] = [
            ("bodySizeMaxBytes", bodySizeMaxBytes),
            ("bodyRateMinBytesPerSecond", bodyRateMinBytesPerSecond),
            ("pongQueueMaxBytes", pongQueueMaxBytes),
            ("lingerMaxBytes", lingerMaxBytes),
        ]
        for (name, value) in atLeastZero where value < 0 {
            return "\(name) is \(value), but must not be negative"
        }
        let times: [(String, Duration)] = [
            ("requestHeadTimeout", requestHeadTimeout),
            ("keepAliveTimeout", keepAliveTimeout),
            ("bodyTimeout", bodyTimeout),
            ("handlerTimeout", handlerTimeout),
            ("messageStallTimeout", messageStallTimeout),
            ("sendStallTimeout", sendStallTimeout),
            ("pongTimeout", pongTimeout),
            ("closeTimeout", closeTimeout),
            ("compressorIdleTimeout", compressorIdleTimeout),
        ]
        for (name, value) in times where value <= .zero {
            return "\(name) is \(value), but must be longer than nothing"
        }
        for (name, value) in [("pingInterval", pingInterval), ("lingerTimeout", lingerTimeout)]
        where value < .zero {
            return "\(name) is \(value), but must not be negative"
        }
        return nil
    }
}
