// SPDX-License-Identifier: Apache-2.0
import CRing
import Testing
import WSServer

/// A server that is listening, for the time of a test.
struct Serving: Sendable {
    let server: WebSocketServer
    let port: UInt16
}

extension WebSocketServer.Backend {
    /// The backends that this machine lets us test.
    static let testable: [WebSocketServer.Backend] = {
        var ring: OpaquePointer?
        var options = cring_options()
        options.kind = CRING_URING
        guard cring_open(&ring, &options, nil) == 0 else { return [.epoll] }
        cring_free(ring)
        return [.ioUring, .epoll]
    }()
}

/// Which door a handler stands behind.
enum TestDoor: String, CaseIterable, Sendable { case conversation, callback }

/// A door on a backend.
struct Setup: Sendable, CustomTestStringConvertible {
    let backend: WebSocketServer.Backend
    let door: TestDoor

    static let all = WebSocketServer.Backend.testable.flatMap { backend in
        TestDoor.allCases.map { Setup(backend: backend, door: $0) }
    }

    var testDescription: String { "\(backend.rawValue), \(door.rawValue)" }

    /// A reply whose socket sends back what it gets.
    func echo(_ options: UpgradeOptions = .init()) -> Reply {
        switch door {
        case .conversation:
            .upgrade(options: options) { socket in
                for try await message in socket { try await socket.send(message) }
            }
        case .callback: .upgrade(options: options, handler: { EchoHandler() })
        }
    }
}

struct EchoHandler: SocketHandler {
    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        socket.send(message)
    }
}

/// Serves what `routes` fills in, runs `body`, and shuts down; then nothing may be left.
func serving(
    _ backend: WebSocketServer.Backend = .epoll, threads: Int = 1,
    limits: (inout ServerLimits) -> Void = { _ in },
    configure: (inout WebSocketServer.Configuration) -> Void = { _ in },
    routes: (inout Router) -> Void,
    client body: (Serving) async throws -> Void
) async throws {
    var router = Router()
    routes(&router)
    var configuration = WebSocketServer.Configuration(
        threads: threads, backend: backend, handlesSignals: false,
        shutdownDeadline: .seconds(5), shutdownJitter: .zero)
    limits(&configuration.limits)
    configure(&configuration)
    let server = WebSocketServer(router: router, configuration: configuration)
    let address = try await server.start()
    do {
        try await body(Serving(server: server, port: address.port))
    } catch {
        await server.shutdown(deadline: .zero)
        throw error
    }
    await server.shutdown()
    #expect(server.statistics.connections == 0)
    #expect(server.statistics.slots == 0)
    #expect(server.statistics.webSockets == 0)
    #expect(server.statistics.octetsQueued == 0)
    #expect(server.statistics.octetsHeld == 0)
    #expect(server.statistics.octetsGathered == 0)
    #expect(server.statistics.buffersOut == 0)
    #expect(server.statistics.descriptors == 0)
    #expect(server.statistics.handlers == 0)
}
