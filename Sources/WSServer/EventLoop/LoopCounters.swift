// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a loop publishes of itself once a turn, for any thread to read.
final class LoopCounters: Sendable {
    let connections = Atomic<Int>(0)
    let webSockets = Atomic<Int>(0)
    let slots = Atomic<Int>(0)
    let buffersOut = Atomic<Int>(0)
    let descriptors = Atomic<Int>(0)
    let octetsQueued = Atomic<Int>(0)
    let octetsHeld = Atomic<Int>(0)
    let octetsGathered = Atomic<Int>(0)
    let compressionBytes = Atomic<Int>(0)
    let handlers = Atomic<Int>(0)
}

extension Statistics {
    /// Adds what a loop has published.
    mutating func add(_ counters: LoopCounters) {
        connections += counters.connections.load(ordering: .relaxed)
        webSockets += counters.webSockets.load(ordering: .relaxed)
        slots += counters.slots.load(ordering: .relaxed)
        buffersOut += counters.buffersOut.load(ordering: .relaxed)
        descriptors += counters.descriptors.load(ordering: .relaxed)
        octetsQueued += counters.octetsQueued.load(ordering: .relaxed)
        octetsHeld += counters.octetsHeld.load(ordering: .relaxed)
        octetsGathered += counters.octetsGathered.load(ordering: .relaxed)
        compressionBytes += counters.compressionBytes.load(ordering: .relaxed)
        handlers += counters.handlers.load(ordering: .relaxed)
    }
}
