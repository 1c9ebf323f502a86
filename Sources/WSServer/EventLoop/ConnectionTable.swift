// SPDX-License-Identifier: Apache-2.0

/// The connections of one loop, by slot.
///
/// Invariant: a slot's generation changes each time it is given up, so an identifier is never
/// valid for two connections.
struct ConnectionTable {
    private struct Slot {
        var generation: UInt32 = 1
        var connection: Connection?
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []

    /// How many slots hold a connection.
    private(set) var count = 0

    /// Claims a slot; nil when all 2^24 are taken.
    mutating func insert(_ make: (ConnectionID) -> Connection) -> Connection? {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            guard slots.count <= Int(ConnectionID.slotMask) else { return nil }
            slot = UInt32(slots.count)
            slots.append(Slot())
        }
        let connection = make(
            ConnectionID(slot: slot, generation: slots[Int(slot)].generation))
        slots[Int(slot)].connection = connection
        count += 1
        return connection
    }

    subscript(id: ConnectionID) -> Connection? {
        guard Int(id.slot) < slots.count, slots[Int(id.slot)].generation == id.generation else {
            return nil
        }
        return slots[Int(id.slot)].connection
    }

    /// Gives the slot up. Only after the last completion of its operations.
    mutating func remove(_ id: ConnectionID) {
        guard self[id] != nil else { return }
        slots[Int(id.slot)].connection = nil
        if !PlantedBug.reusesGeneration.isPlanted { slots[Int(id.slot)].generation &+= 1 }
        free.append(id.slot)
        count -= 1
    }

    /// All connections as of now; the table may change while they are walked.
    var all: [Connection] { slots.compactMap(\.connection) }
}
