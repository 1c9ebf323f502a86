// SPDX-License-Identifier: Apache-2.0
import Logging
import WSServer

@main enum Serve {
    static func main() async {
        do throws(Options.Mistake) {
            let options = try Options(CommandLine.arguments.dropFirst())
            if options.help { return Output.line(Help.text) }
            await serve(options)
        } catch {
            Output.error("wsserve: \(error)\nwsserve --help lists the options")
            Exit.usage()
        }
    }

    private static func serve(_ options: Options) async {
        DescriptorLimit.raise()
        WebSocketServer.keepFreedMemory()
        let server = WebSocketServer(
            router: .serving(options.handler), configuration: configuration(options))
        do {
            let report = try await server.run()
            if !options.quiet { Output.line("shut down: \(report)") }
        } catch {
            Output.error("wsserve: \(error)")
            Exit.failure()
        }
    }

    private static func configuration(_ options: Options) -> WebSocketServer.Configuration {
        var log = Logger(label: "wsserve")
        log.logLevel = options.quiet ? .error : .notice
        var limits = ServerLimits()
        limits.messageSizeMaxBytes = options.maxMessageSize
        limits.connectionsMax = options.maxConnections
        return WebSocketServer.Configuration(
            host: options.host, port: options.port, threads: options.threads,
            backend: options.backend, limits: limits, origin: options.origin,
            compression: options.compression, log: log,
            onListening: { Output.line("listening on ws://\($0)/") })
    }
}

/// The two ways a server can hold a conversation.
enum Door: String, CaseIterable {
    case async
    case callback
}
