// SPDX-License-Identifier: Apache-2.0
import Logging
import Testing
@testable import WSServer

extension WebSocketServer.Configuration {
    /// A configuration that logs nothing and closes without delay at the end.
    static func forTests(
        _ backend: WebSocketServer.Backend, _ change: (inout Self) -> Void = { _ in }
    ) -> Self {
        var configuration = Self(
            port: 0, backend: backend, handlesSignals: false, shutdownDeadline: .seconds(5),
            shutdownJitter: .zero,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        change(&configuration)
        return configuration
    }
}

/// Starts a server on a port of the kernel's choice, runs `body` on a thread where it may block,
/// and shuts the server down.
///
/// Behind `body` everything the server held must be given back, but for its listening sockets;
/// behind the shutdown those too, and no handler may be left. A body that has shut the server down
/// itself, or begun to, is asked for the latter only.
func withServer(
    _ router: Router, _ configuration: WebSocketServer.Configuration,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body:
        @escaping @concurrent @Sendable (WebSocketServer, WebSocketServer.ListeningAddress)
        async throws -> Void
) async throws {
    await Turnstile.shared.enter()
    let server = WebSocketServer(router: router, configuration: configuration)
    do {
        let address = try await server.start()
        try await blocking { try await body(server, address) }
        var idle = Statistics()
        idle.descriptors = configuration.threads
        let isBack = await server.settles { $0 == idle || $0 == Statistics() }
        #expect(isBack, "held: \(server.statistics)", sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
    let report = await server.shutdown()
    #expect(report.handlersLeft == 0, "\(report)", sourceLocation: sourceLocation)
    #expect(server.statistics == Statistics(), sourceLocation: sourceLocation)
    await Turnstile.shared.leave()
}

extension WebSocketServer {
    /// Waits, for a bounded time, until the statistics are as `condition` wants them.
    func settles(_ condition: (Statistics) -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + RawClient.patience
        while !condition(statistics) {
            guard ContinuousClock.now < deadline else { return false }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return true
    }
}

/// Lets a few tests at a time have a server, so that none is short of a processor.
actor Turnstile {
    static let shared = Turnstile(places: 3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { free = places }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
