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
    let compressionBytes = Atomic<Int>(0)
    let handlers = Atomic<Int>(0)
}
