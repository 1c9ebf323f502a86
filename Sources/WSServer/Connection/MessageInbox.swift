// SPDX-License-Identifier: Apache-2.0

/// Messages that wait for their handler, oldest first, with the octets they hold.
///
/// The first waits in the struct itself, and memory for more is borrowed from the loop: a handler
/// that keeps up costs no allocation here, and an idle socket holds none.
struct MessageInbox: ~Copyable {
    private let places: InboxPlaces
    private var first: Message?
    private var rest: [Message?] = []
    private var head = 0

    private(set) var octets = 0

    init(_ places: InboxPlaces) { self.places = places }

    var isEmpty: Bool { first == nil }
    var count: Int { first == nil ? 0 : 1 + rest.count - head }

    /// Places in memory, taken or not.
    var placeCount: Int { 1 + rest.count }

    mutating func append(_ message: consuming Message) {
        octets += message.payloadCount
        if first == nil {
            first = consume message
        } else {
            if rest.capacity == 0 { places.lend(&rest) }
            rest.append(consume message)
        }
    }

    mutating func popFirst() -> Message? {
        guard let message = first.take() else { return nil }
        octets -= message.payloadCount
        if head < rest.count {
            first = rest[head].take()
            head += 1
            if head == rest.count {
                rest.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 32, head > rest.count / 2 {
                // A sender that is always ahead of the handler never lets it run empty.
                rest.removeFirst(head)
                head = 0
            }
        } else if rest.capacity > 0 {
            places.takeBack(&rest)
        }
        return message
    }

    mutating func removeAll() {
        first = nil
        octets = 0
        head = 0
        rest.removeAll(keepingCapacity: true)
        places.takeBack(&rest)
    }
}

/// Empty arrays for inboxes, kept by a loop for whoever needs one next.
final class InboxPlaces {
    private static let kept = 64

    private var spare: [[Message?]] = []

    var spareCount: Int { spare.count }

    /// Gives memory to `places`, which has none, if there is some.
    func lend(_ places: inout [Message?]) {
        if let memory = spare.popLast() { places = memory }
    }

    /// Takes the memory of `places`, which is empty; what has grown large is given up.
    func takeBack(_ places: inout [Message?]) {
        if places.capacity > 0, places.capacity <= 128, spare.count < Self.kept {
            spare.append(places)
        }
        places = []
    }
}

extension Message {
    /// Octets of payload, as the inbox counts them.
    var payloadCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let octets), .ping(let octets), .pong(let octets): octets.count
        case .close(_, let reason): reason.utf8.count
        }
    }
}
