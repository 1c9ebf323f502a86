// SPDX-License-Identifier: Apache-2.0

/// Where the octets of a message are.
public enum Payload: Hashable, Sendable {
    /// In the octets that were given to `Endpoint.nextEvent(in:)`, unmasked. The range counts from
    /// the start of those octets and holds until the caller drops or moves them.
    case inPlace(Range<Int>)
    /// In an array of their own: the message came in fragments, or over several receives.
    case assembled([UInt8])

    /// The number of octets.
    @inlinable
    public var count: Int {
        switch self {
        case .inPlace(let range): range.count
        case .assembled(let octets): octets.count
        }
    }

    /// Calls `body` with the payload, of an event found in `octets`, where it lies.
    public func withSpan<Result: ~Copyable, Failure: Error>(
        in octets: Span<UInt8>, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch self {
        case .inPlace(let range): try body(octets.extracting(range))
        case .assembled(let octets): try body(octets.span)
        }
    }

    /// The payload, of an event found in `octets`, as an array.
    func octets(in octets: Span<UInt8>) -> [UInt8] {
        switch self {
        case .inPlace(let range): [UInt8](copying: octets.extracting(range))
        case .assembled(let octets): octets
        }
    }

    /// The payload as text. It is validated again, as nothing proves that `octets` are those the
    /// event was found in.
    func text(in octets: Span<UInt8>) -> String {
        withSpan(in: octets) { String(validOrRepaired: $0) }
    }
}
