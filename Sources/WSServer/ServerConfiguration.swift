// SPDX-License-Identifier: Apache-2.0
public import Logging
public import WSCodec

extension WebSocketServer {
    /// Which interface of the kernel the event loops stand on.
    public enum Backend: String, Sendable, CaseIterable {
        /// io_uring, or epoll with one warning where the kernel refuses io_uring.
        case auto
        /// io_uring, or an error at the start.
        case ioUring = "io_uring"
        /// epoll.
        case epoll
    }

    /// Where and how a server listens. Every value has a safe default.
    public struct Configuration: Sendable {
        /// The address to listen on: an IPv4 or IPv6 literal, or `localhost`.
        public var host: String
        /// The port; 0 lets the kernel pick one, which ``ListeningAddress`` tells.
        public var port: UInt16
        /// Event loops, each with a thread, a backend and a listening socket of its own.
        public var threads: Int
        /// The kernel interface.
        public var backend: Backend
        /// Sizes of the backend, per loop.
        public var backendOptions: BackendOptions
        /// What a client may take of the server.
        public var limits: ServerLimits
        /// Whose web pages may open sockets, unless an upgrade says otherwise: by default the
        /// pages of the same host; clients that send no Origin are no browsers and are let in.
        public var origin: OriginPolicy
        /// Whether messages are compressed where a client offers it, unless an upgrade says
        /// otherwise. Off by default: it costs memory and time, and it tells of secrets that are
        /// compressed together with what an attacker chooses (``DeflateSettings``).
        public var compression: Compression
        /// What the contexts of all sockets may take together. Past it handshakes decline the
        /// extension.
        public var compressionBudget: CompressionBudget
        /// What all sockets may hold together. Near it handshakes get 503, above it the sockets
        /// that hold most are closed with 1013.
        public var memoryBudget: MemoryBudget
        /// Whether ``WebSocketServer/run()`` takes SIGTERM and SIGINT as the call to shut down.
        public var handlesSignals: Bool
        /// How long a shutdown may take before what is left is cut off.
        public var shutdownDeadline: Duration
        /// How long sockets go on when a shutdown has begun and their handlers know: see
        /// ``WebSocket/draining()`` and ``SocketHandler/draining(_:)``. At the most half the
        /// deadline.
        public var shutdownNotice: Duration
        /// The code with which a shutdown closes sockets: 1001, or 1012 for a server that is back
        /// soon (RFC 6455 section 7.4.1 and IANA's registry).
        public var shutdownCloseCode: CloseCode
        /// Over how long a shutdown spreads its Close frames at the most, so that clients do not
        /// come back all at once elsewhere.
        public var shutdownJitter: Duration
        /// Where the server says what happens to itself. Nothing is logged per message.
        public var log: Logger
        /// Called once, when the server listens.
        public var onListening: (@Sendable (ListeningAddress) -> Void)?

        /// A configuration with the given values and the defaults for the rest.
        public init(
            host: String = "127.0.0.1", port: UInt16 = 0, threads: Int = 1,
            backend: Backend = .auto, backendOptions: BackendOptions = BackendOptions(),
            limits: ServerLimits = ServerLimits(), origin: OriginPolicy = .sameHost,
            compression: Compression = .off, compressionBudget: CompressionBudget = .process,
            memoryBudget: MemoryBudget = .process,
            handlesSignals: Bool = true, shutdownDeadline: Duration = .seconds(8),
            shutdownNotice: Duration = .zero, shutdownCloseCode: CloseCode = .goingAway,
            shutdownJitter: Duration = .seconds(2), log: Logger = Logger(label: "swift-ws"),
            onListening: (@Sendable (ListeningAddress) -> Void)? = nil
        ) {
            self.host = host
            self.port = port
            self.threads = max(1, min(threads, 256))
            self.backend = backend
            self.backendOptions = backendOptions
            self.limits = limits
            self.origin = origin
            self.compression = compression
            self.compressionBudget = compressionBudget
            self.memoryBudget = memoryBudget
            self.handlesSignals = handlesSignals
            self.shutdownDeadline = shutdownDeadline
            self.shutdownNotice = shutdownNotice
            self.shutdownCloseCode = shutdownCloseCode
            self.shutdownJitter = shutdownJitter
            self.log = log
            self.onListening = onListening
        }
    }

    /// Where a server listens.
    public struct ListeningAddress: Sendable, Hashable, CustomStringConvertible {
        /// The host as it was configured.
        public let host: String
        /// The port, also where the kernel picked it.
        public let port: UInt16
        /// The kernel interface in use; never `.auto`.
        public let backend: Backend

        /// `HOST:PORT`, an IPv6 address in brackets.
        public var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
