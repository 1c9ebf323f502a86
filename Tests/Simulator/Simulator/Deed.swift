// SPDX-License-Identifier: Apache-2.0

/// One thing a client does before the next.
enum Deed {
    /// Sends octets, however they get cut. Behind a whole frame it may answer pings and Closes.
    case send([UInt8], endsFrame: Bool)
    /// Waits until the reply to its handshake has come.
    case awaitReply
    /// Waits until so many of its messages have come back.
    case awaitEchoes(Int)
    /// Does nothing but read for so many nanoseconds.
    case pause(UInt64)
    /// Reads nothing from here on; for so many nanoseconds, or for ever.
    case stopReading(UInt64?)
    /// Ends its half of the connection.
    case end
    /// Resets the connection.
    case reset
}

/// What a client does, and what an honest server makes of it.
struct Script {
    /// Whose handler is asked for.
    enum Door: String, CaseIterable { case callback, task }

    let door: Door
    var deeds: [Deed]
    /// What the client sends by its deeds, as the obvious decoder understands it: the data messages
    /// to be handed on and echoed, and the pings to be answered.
    var messages: [Echo] = []
    var pings: [[UInt8]] = []
    /// The code of its own Close; nil inside for a Close without one, and nil for none.
    var close: UInt16??
    /// When it connects.
    var start: UInt64 = 0
}

/// A data message as an oracle compares it.
struct Echo: Equatable {
    var isText: Bool
    var octets: [UInt8]
}
