// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Something that happens once, and the tasks that wait for it.
final class StopSignal: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Void, Never>])
        case fired
    }

    private let state = Mutex(State.waiting([]))

    func fire() {
        let waiting = state.withLock { state in
            defer { state = .fired }
            if case .waiting(let continuations) = state { return continuations }
            return []
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let hasFired = state.withLock { state in
                guard case .waiting(let others) = state else { return true }
                state = .waiting(others + [continuation])
                return false
            }
            if hasFired { continuation.resume() }
        }
    }
}
