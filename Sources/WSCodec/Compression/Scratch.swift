// SPDX-License-Identifier: Apache-2.0

/// Room for what one step of compression makes: known not to be in use between two calls.
@safe final class Scratch {
    /// Steps of 16 KiB bound what a decompressor makes before its limits are looked at.
    static let size = 16 * 1024

    let memory: UnsafeMutableBufferPointer<UInt8>

    init() { unsafe memory = .allocate(capacity: Self.size) }

    deinit { unsafe memory.deallocate() }
}
