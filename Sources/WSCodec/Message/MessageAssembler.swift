// SPDX-License-Identifier: Apache-2.0

/// The payload so far of a message that comes in parts, in one contiguous array.
///
/// It grows with octets received, by doubling, and takes at most twice as many; or it is lent the
/// declared length at once, which saves the copies, as far as `EndpointScratch` has it to lend.
struct MessageAssembler: ~Copyable {
    private var payload: [UInt8] = []
    /// Whether the array is one that the scratch memory lent and waits for.
    private(set) var isLent = false

    /// Whether no octet has come.
    var isEmpty: Bool { payload.isEmpty }

    /// The octets that have come.
    var count: Int { payload.count }

    /// The octets that memory is held for.
    var capacity: Int { payload.capacity }

    /// Appends the octets at `range`, of a message that is to have `declared` octets as far as is
    /// known.
    mutating func append(
        _ range: Range<Int>, of octets: Span<UInt8>, declared: Int, _ scratch: EndpointScratch?
    ) {
        if payload.isEmpty, !isLent, declared > range.count,
            let memory = scratch?.lendPayload(declared)
        {
            payload = memory
            isLent = true
        }
        // Safe because `extracting` checks the range.
        unsafe octets.extracting(range).withUnsafeBufferPointer { part in
            unsafe payload.append(contentsOf: part)
        }
    }

    /// Takes the assembled payload out.
    mutating func finish(_ scratch: EndpointScratch?) -> [UInt8] {
        let whole = payload
        payload = []
        if isLent { scratch?.payloadLeft() }
        isLent = false
        return whole
    }

    /// Drops what was assembled.
    mutating func removeAll(_ scratch: EndpointScratch?) {
        let unfinished = finish(scratch)
        scratch?.recycle(unfinished)
    }
}
