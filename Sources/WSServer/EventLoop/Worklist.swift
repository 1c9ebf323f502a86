// SPDX-License-Identifier: Apache-2.0

/// What waits to be looked at in a turn: one array fills while the other is worked through, so that
/// neither is copied nor made anew.
struct Worklist<Element: AnyObject>: ~Copyable {
    private var waiting: [Element] = []
    private var spare: [Element] = []

    var isEmpty: Bool { waiting.isEmpty }

    mutating func add(_ element: Element) { waiting.append(element) }

    /// Takes everything out; what is added meanwhile waits for the next time.
    mutating func take() -> [Element] {
        let batch = waiting
        waiting = spare
        spare = []
        return batch
    }

    /// Takes a batch back when it has been worked through, for its memory.
    mutating func giveBack(_ batch: consuming [Element]) {
        batch.removeAll(keepingCapacity: true)
        spare = batch
    }
}

extension Cell where Value: ~Copyable {
    /// Calls `body` with everything that waits now. New work may be added from inside.
    func drain<Element: AnyObject>(_ body: (Element) -> Void) where Value == Worklist<Element> {
        guard !value.isEmpty else { return }
        let batch = value.take()
        for index in batch.indices { body(batch[index]) }
        value.giveBack(batch)
    }
}
