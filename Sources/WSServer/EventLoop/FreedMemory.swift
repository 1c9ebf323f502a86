// SPDX-License-Identifier: Apache-2.0
internal import CRing

extension WebSocketServer {
    /// Has the process keep about `octets` of freed memory for what it allocates next.
    ///
    /// For programs whose handlers take large messages, of 128 KiB and more, as `Message`: their
    /// memory otherwise goes to the system with each message and comes back with a page fault every
    /// 4 KiB, which can cost as much as all else. A setting of glibc's allocator for the whole
    /// process, so it is the program's to make, once, before it starts its server. Elsewhere it does
    /// nothing. Callback handlers, which are shown messages where they lie, do without it.
    public static func keepFreedMemory(upTo octets: Int = 16 << 20) {
        cring_keep_freed(max(0, octets))
    }
}
