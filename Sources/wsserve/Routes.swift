// SPDX-License-Identifier: Apache-2.0
import WSServer

extension Router {
    /// The routes of wsserve, their conversations held through `door`.
    static func serving(_ door: Door) -> Router {
        var router = Router()
        router.get("/") { _ in try page() }
        router.get("/health") { _ in .text("ok") }
        router.get("/echo") { _ in echo(door) }
        router.get("/subprotocol") { request in
            echo(door, subprotocol: request.subprotocol(of: ["chat.v2", "chat.v1"]))
        }
        router.get("/secret") { request in
            guard request.value(of: .authorization) == "Bearer sesame" else {
                return .reply(.unauthorized, headers: [.wwwAuthenticate: "Bearer"])
            }
            return echo(door)
        }
        return router
    }

    private static func page() throws -> Reply {
        var reply = Reply.html(Page.html)
        let nothingFromOutside =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            + "img-src data:; connect-src ws: wss:; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'"
        try reply.setHeader("Content-Security-Policy", to: nothingFromOutside)
        try reply.setHeader("X-Content-Type-Options", to: "nosniff")
        try reply.setHeader("Referrer-Policy", to: "no-referrer")
        // A page that shares its process with no other may read a clock of microseconds.
        try reply.setHeader("Cross-Origin-Opener-Policy", to: "same-origin")
        try reply.setHeader("Cross-Origin-Embedder-Policy", to: "require-corp")
        return reply
    }

    private static func echo(_ door: Door, subprotocol: String? = nil) -> Reply {
        switch door {
        case .async:
            .upgrade(subprotocol: subprotocol) { socket in
                for try await message in socket { try await socket.send(message) }
            }
        case .callback:
            .upgrade(subprotocol: subprotocol, handler: { Echo() })
        }
    }
}

/// Sends every message back from where it was received.
private struct Echo: SocketHandler {
    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        socket.send(message)
    }
}
