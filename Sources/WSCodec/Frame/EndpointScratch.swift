// SPDX-License-Identifier: Apache-2.0
import CFrame

/// Memory that endpoints lend each other, for those that are used on one thread, or by one actor, at
/// a time.
///
/// - 1 KiB, kept from one `nextEvent(in:)` to another's: an endpoint needs it while octets with more
///   than one frame are being looked at.
/// - Payloads. A message of 64 KiB or more that comes in parts is given its declared length at once,
///   up to 1 MiB, instead of growing as it arrives; but four such messages at a time, so that a
///   declared length by itself takes no more than 4 MiB, for all endpoints together. Up to four
///   payloads given back with `recycle(_:)` are kept for those.
@safe public final class EndpointScratch {
    private static let payloadMinBytes = 1 << 16
    private static let payloadMaxBytes = 1 << 20
    private static let payloadCountMax = 4

    private var spare: UnsafeMutablePointer<cframe_record>?
    private var sparePayloads: [[UInt8]] = []
    private var payloadsLent = 0

    /// Scratch memory that takes none yet.
    public init() { unsafe spare = nil }

    deinit { unsafe spare?.deallocate() }

    /// Takes a payload, ``Payload/assembled(_:)``, that nobody needs any more: its memory is used
    /// for a later message, if it is of a size worth keeping.
    public func recycle(_ payload: [UInt8]) {
        guard payload.capacity >= Self.payloadMinBytes,
            payload.capacity <= Self.payloadMaxBytes * 2,
            sparePayloads.count < Self.payloadCountMax
        else { return }
        sparePayloads.append(payload)
    }

    /// An empty array for a message of `declared` octets; nil where it has to grow by itself. To be
    /// followed by `payloadLeft()`.
    func lendPayload(_ declared: Int) -> [UInt8]? {
        guard declared >= Self.payloadMinBytes, payloadsLent < Self.payloadCountMax else {
            return nil
        }
        payloadsLent += 1
        var payload = sparePayloads.popLast() ?? []
        // Emptied here rather than when it came: by now nobody else holds it.
        payload.removeAll(keepingCapacity: true)
        payload.reserveCapacity(min(declared, Self.payloadMaxBytes))
        return payload
    }

    /// Payloads kept for later messages.
    var sparePayloadCount: Int { sparePayloads.count }

    /// A lent payload is finished, or given up.
    func payloadLeft() { payloadsLent -= 1 }

    /// Memory for `RecordBatch.capacity` records, the caller's until it gives it back or frees it.
    func take() -> UnsafeMutablePointer<cframe_record> {
        guard let memory = unsafe spare else {
            return .allocate(capacity: RecordBatch.capacity)
        }
        unsafe spare = nil
        return unsafe memory
    }

    func giveBack(_ memory: UnsafeMutablePointer<cframe_record>) {
        if unsafe spare == nil { unsafe spare = memory } else { unsafe memory.deallocate() }
    }
}
