// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WSServer

/// The routes of the simulated server: both doors, doing as the scripts say, and telling the clients what they saw.
enum Doors {
    static func router(_ clients: Clients) -> Router {
        var router = Router()
        router.get("/callback/{client}") { request throws -> Reply in
            guard let client = clients[request] else { return .text("", status: .notFound) }
            return .upgrade(handler: { CallbackDoor(client: client) })
        }
        router.get("/task/{client}") { request throws -> Reply in
            guard let client = clients[request] else { return .text("", status: .notFound) }
            return .upgrade { socket in try await serve(socket, client) }
        }
        return router
    }

    private static func serve(_ socket: WebSocket, _ client: Confidant) async throws {
        client.opened()
        defer { client.closed(socket.closeInfo) }
        if case .floods(let own) = client.behaviour {
            for message in own {
                try await socket.send(Message(message))
                client.sent()
            }
        }
        var echoed = 0
        for try await message in socket {
            client.received(message)
            try await socket.send(message)
            client.sent()
            echoed += 1
            switch client.behaviour {
            case .closes(echoed, let code):
                try await socket.close(CloseCode(rawValue: code))
                return
            case .fails(echoed): throw Failure()
            default: break
            }
        }
    }

    /// What a handler throws that fails.
    private struct Failure: Error {}
}

extension Message {
    fileprivate init(_ echo: Echo) {
        self =
            echo.isText
            ? .text(String(decoding: echo.octets, as: UTF8.self)) : .binary(echo.octets)
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

    var behaviour: Script.Behaviour { client.script.behaviour }

    func opened() { client.handlerOpened() }
    func received(_ message: Message) { client.handlerReceived(message) }
    func sent() { client.handlerSent() }
    func closed(_ info: CloseInfo?) { client.handlerClosed(info) }
}

private struct CallbackDoor: SocketHandler {
    let client: Confidant
    private var echoed = 0
    private var flooded = 0

    init(client: Confidant) { self.client = client }

    mutating func opened(_ socket: LoopSocket) {
        client.opened()
        flood(socket)
    }

    mutating func writable(_ socket: LoopSocket) { flood(socket) }

    /// Sends of its own messages as many as there is room for.
    private mutating func flood(_ socket: LoopSocket) {
        guard case .floods(let own) = client.behaviour else { return }
        while flooded < own.count {
            let result = socket.send(Message(own[flooded]))
            guard result == .sent || result == .pressured else { return }
            flooded += 1
            client.sent()
            if result == .pressured { return }
        }
    }

    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        client.received(Message(message))
        let result = socket.send(message)
        if result == .sent || result == .pressured { client.sent() }
        echoed += 1
        switch client.behaviour {
        case .closes(echoed, let code):
            socket.close(CloseCode(rawValue: code))
        case .fails(echoed): socket.close(.internalError)
        default: break
        }
    }

    mutating func closed(_ info: CloseInfo) { client.closed(info) }
}
