// SPDX-License-Identifier: Apache-2.0
import Synchronization
import WSServer

extension Setup {
    /// A configuration on this backend that logs nothing and closes without delay at the end.
    func configuration(
        _ change: (inout WebSocketServer.Configuration) -> Void = { _ in }
    ) -> WebSocketServer.Configuration {
        .forTests(backend, change)
    }

    /// An upgrade to a socket that echoes text and binary.
    func echo(
        subprotocol: String? = nil, headers: HTTPFields = [:],
        options: UpgradeOptions = UpgradeOptions(), runs: Counter,
        ends: CloseInfos = CloseInfos()
    ) -> Reply {
        switch door {
        case .conversation:
            .upgrade(subprotocol: subprotocol, headers: headers, options: options) { socket in
                runs.increment()
                do {
                    for try await message in socket { try await socket.send(message) }
                } catch {}
                if let info = socket.closeInfo { ends.append(info) }
            }
        case .callback:
            .upgrade(
                subprotocol: subprotocol, headers: headers, options: options,
                handler: { CallbackEcho(runs: runs, ends: ends) })
        }
    }
}

/// Echoes from the loop, without a task.
struct CallbackEcho: SocketHandler {
    let runs: Counter
    let ends: CloseInfos

    mutating func opened(_ socket: LoopSocket) { runs.increment() }
    mutating func received(_ message: borrowing MessageView, on socket: LoopSocket) {
        socket.send(message)
    }
    mutating func closed(_ info: CloseInfo) { ends.append(info) }
}

/// A count that many threads may keep.
final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// How conversations ended, in order, as their handlers saw it.
final class CloseInfos: Sendable {
    private let infos = Mutex<[CloseInfo]>([])
    var all: [CloseInfo] { infos.withLock { $0 } }
    func append(_ info: CloseInfo) { infos.withLock { $0.append(info) } }
}
