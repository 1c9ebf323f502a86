// SPDX-License-Identifier: Apache-2.0
import FlyingFox
import FlyingSocks
import Glibc

// An echo server on FlyingFox, to be measured beside ours: whole messages, as its documentation
// has it.

struct Echo: WSMessageHandler {
    func makeMessages(for client: AsyncStream<WSMessage>) async throws -> AsyncStream<WSMessage> {
        AsyncStream { continuation in
            let task = Task {
                for await message in client { continuation.yield(message) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

func portArgument() -> UInt16 {
    let words = CommandLine.arguments
    guard let at = words.firstIndex(of: "--port"), at + 1 < words.count else { return 0 }
    return UInt16(words[at + 1]) ?? 0
}

let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: portArgument()))
await server.appendRoute("GET /*", to: .webSocket(Echo()))
let running = Task { try await server.run() }
try await server.waitUntilListening()
if case .ip4(_, let port)? = await server.listeningAddress {
    print("listening on ws://127.0.0.1:\(port)/")
    fflush(nil)
}
try await running.value
