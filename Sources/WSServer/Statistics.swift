// SPDX-License-Identifier: Apache-2.0

/// What a server holds at the moment, summed over its loops.
///
/// Each loop publishes its share once a turn, just before it waits, so that no message pays for
/// it: a reading is as old as the turn that is under way.
public struct Statistics: Sendable, Hashable {
    /// Open TCP connections, upgraded or not.
    public var connections = 0
    /// Conversations that are not over.
    public var webSockets = 0
    /// Places in the connection tables in use. A place is held until the last operation of its
    /// connection has completed.
    public var slots = 0
    /// Receive buffers that hold octets the server has not given back.
    public var buffersOut = 0
    /// Sockets open: connections and listeners.
    public var descriptors = 0
    /// Octets queued to be sent that the kernel has not taken.
    public var octetsQueued = 0
    /// Octets received that wait because their handler does not keep up.
    public var octetsHeld = 0
    /// Octets of unfinished messages, and of messages that wait for their handler, of sockets with
    /// at least 4 KiB of them.
    public var octetsGathered = 0
    /// Octets of memory that compression contexts of sockets take, or have reserved.
    public var compressionBytes = 0
    /// Tasks of routes and handlers that have not ended.
    public var handlers = 0
}
