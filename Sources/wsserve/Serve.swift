// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
import Logging
public import WSServer

@main struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wsserve",
        abstract: "A WebSocket echo server on io_uring, with a web page to try it at /.",
        discussion: """
            Prints one line, listening on ws://HOST:PORT/, as soon as clients can connect. SIGTERM \
            or SIGINT closes all connections with 1001, in at most eight seconds, and ends it.

            Routes: / (the page), /echo, /health, /subprotocol (speaks chat.v2 and chat.v1), and \
            /secret (wants Authorization: Bearer sesame).
            """)

    @Option(help: "The address to listen on: IPv4, IPv6, or localhost.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port: UInt16 = 9001

    @Option(
        help: ArgumentHelp("Event loops, from 1 to 256. (default: one per core)", valueName: "n"))
    var threads: Int?

    @Option(help: "How messages are handled: as an async sequence, or by callbacks on the loop.")
    var handler = Door.async

    @Option(help: "The kernel interface; auto takes epoll where io_uring is refused.")
    var backend = WebSocketServer.Backend.auto

    @Option(help: ArgumentHelp("The largest message taken.", valueName: "bytes"))
    var maxMessageSize = 1 << 20

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Whose web pages may connect: any, same-host, or origins such as https://example.com.",
            valueName: "origin"))
    var origin = ["same-host"]

    @Flag(help: "Print nothing but the listening line and errors.")
    var quiet = false

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads is \(threads), but must be from 1 to 256.")
        }
        guard maxMessageSize >= 1 else {
            throw ValidationError(
                "--max-message-size is \(maxMessageSize), but must be at least 1.")
        }
        _ = try originPolicy()
    }

    func run() async throws {
        DescriptorLimit.raise()
        let server = WebSocketServer(router: .serving(handler), configuration: try configuration())
        let report = try await server.run()
        if !quiet { Output.line("shut down: \(report)") }
    }

    private func configuration() throws -> WebSocketServer.Configuration {
        var log = Logger(label: "wsserve")
        log.logLevel = quiet ? .error : .notice
        var limits = ServerLimits()
        limits.messageSizeMaxBytes = maxMessageSize
        return WebSocketServer.Configuration(
            host: host, port: port, threads: threads ?? Processors.count, backend: backend,
            limits: limits, origin: try originPolicy(), log: log,
            onListening: { Output.line("listening on ws://\($0)/") })
    }

    private func originPolicy() throws -> OriginPolicy {
        if origin == ["any"] { return .any }
        if origin == ["same-host"] { return .sameHost }
        for text in origin where !OriginPolicy.isOrigin(text) {
            throw ValidationError(
                "--origin \(text) is neither any, same-host nor an origin: "
                    + "write scheme, host and port only, as in https://example.com:8443.")
        }
        return .list(origin)
    }
}

/// The two ways a server can hold a conversation.
enum Door: String, CaseIterable, ExpressibleByArgument {
    case async
    case callback
}

extension WebSocketServer.Backend: ExpressibleByArgument {}
