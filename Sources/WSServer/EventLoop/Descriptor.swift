// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// A connected socket, as far as it is asked or told something outside the ring.
struct Descriptor {
    let number: Int32

    /// The peer's address as text, without its port; empty when the kernel has forgotten it.
    func peerAddress(_ ring: Ring) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            // Safe because C writes a terminated string within the capacity it is given.
            guard let start = buffer.baseAddress,
                unsafe cring_peer_address(ring.pointer, number, start, buffer.count) >= 0
            else { return "" }
            return unsafe String(cString: start)
        }
    }

    /// What tells the peer's network from others; nil where it has none, or is gone.
    func peerNetwork(_ ring: Ring) -> UInt64? {
        let network = unsafe cring_peer_network(ring.pointer, number)
        return network == 0 ? nil : network
    }

    /// Has closing drop what the peer has not taken, instead of keeping it in the kernel.
    func resetOnClose(_ ring: Ring) { _ = unsafe cring_reset_on_close(ring.pointer, number) }
}
