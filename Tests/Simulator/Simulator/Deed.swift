// SPDX-License-Identifier: Apache-2.0

/// One thing a client does before the next.
enum Deed {
    /// Sends octets, however they get cut. Behind a whole frame it may answer pings and Closes.
    case send([UInt8], endsFrame: Bool)
    /// Waits until the reply to its handshake has come.
    case awaitReply
    /// Waits until so many messages have come.
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
