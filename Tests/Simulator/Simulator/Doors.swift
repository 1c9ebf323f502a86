// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WSServer

/// The routes of the simulated server: both doors, echoing, and telling the clients what they saw.
enum Doors {
    static func router(_ clients: Clients) -> Router {
        var router = Router()
        router.get("/callback/{client}") { request throws -> Reply in
            guard let client = clients[request] else { return .text("", status: .notFound) }
            return .upgrade(handler: { CallbackEcho(client: client) })
        }
        router.get("/task/{client}") { request throws -> Reply in
            guard let client = clients[request] else { return .text("", status: .notFound) }
            return .upgrade { socket in try await echo(socket, client) }
        }
        return router
    }

    private static func echo(_ socket: WebSocket, _ client: Confidant) async throws {
        client.opened()
        do {
            for try await message in socket {
                client.received(message)
                try await socket.send(message)
            }
        } catch {
            client.closed(socket)
            throw error
        }
        client.closed(socket)
    }
}

/// Who hears from the handlers. On one thread, as all of the simulation.
struct Clients: @unchecked Sendable {
    let all: [Client]

    subscript(request: Request) -> Confidant? {
        guard let text = request.parameters["client"], let number = Int(text),
            all.indices.contains(number)
        else { return nil }
        return Confidant(client: all[number])
    }
}

/// A client as its handler may carry it about.
struct Confidant: @unchecked Sendable {
    let client: Client

    func opened() { client.handlerOpened() }
    func received(_ message: Message) { client.handlerReceived(message) }
    func closed(_ socket: WebSocket) {
        if let info = socket.closeInfo { client.handlerClosed(info) }
    }
    func closed(_ info: CloseInfo) { client.handlerClosed(info) }
}

private struct CallbackEcho: SocketHandler {
    let client: Confidant

    mutating func opened(_ socket: LoopSocket) { client.opened() }

    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        client.received(Message(message))
        socket.send(message)
    }

    mutating func closed(_ info: CloseInfo) { client.closed(info) }
}
