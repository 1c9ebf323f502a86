// SPDX-License-Identifier: Apache-2.0

/// What a backend hands back with a completion: which operation, of which slot, of which life of it.
///
///     63      56 55                    32 31                     0
///     +---------+-----------------------+------------------------+
///     |operation|         slot          |       generation       |
///     +---------+-----------------------+------------------------+
///
/// Never a pointer: a completion that outlives its connection finds another generation in the slot
/// and is dropped.
struct OperationToken: Equatable {
    enum Operation: UInt8 {
        // 0 is left out, so that no token is 0, which backends take as "no completion wanted".
        case accept = 1
        case receive = 2
        case send = 3
    }

    let rawValue: UInt64

    init(_ operation: Operation, _ connection: ConnectionID) {
        rawValue =
            UInt64(operation.rawValue) << 56 | UInt64(connection.slot) << 32
            | UInt64(connection.generation)
    }

    init(rawValue: UInt64) { self.rawValue = rawValue }

    var operation: Operation? { Operation(rawValue: UInt8(truncatingIfNeeded: rawValue >> 56)) }

    var connection: ConnectionID {
        ConnectionID(
            slot: UInt32(truncatingIfNeeded: rawValue >> 32) & ConnectionID.slotMask,
            generation: UInt32(truncatingIfNeeded: rawValue))
    }
}

/// The place of a connection in its loop's table, and which of the lives of that place it is.
struct ConnectionID: Hashable, Sendable {
    static let slotMask: UInt32 = 0xFF_FFFF

    let slot: UInt32
    let generation: UInt32
}
