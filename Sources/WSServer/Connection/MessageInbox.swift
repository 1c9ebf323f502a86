// SPDX-License-Identifier: Apache-2.0

/// Messages that wait for their handler, oldest first, with the octets they hold.
///
/// The first waits in the struct itself: a handler that keeps up costs no allocation here.
struct MessageInbox {
    private var first: Message?
    private var rest: [Message?] = []
    private var head = 0

    private(set) var octets = 0

    var isEmpty: Bool { first == nil }
    var count: Int { first == nil ? 0 : 1 + rest.count - head }

    /// Places in memory, taken or not.
    var placeCount: Int { 1 + rest.count }

    mutating func append(_ message: consuming Message) {
        octets += message.payloadCount
        if first == nil {
            first = consume message
        } else {
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
                rest.removeAll(keepingCapacity: rest.capacity <= 64)
                head = 0
            } else if head >= 32, head > rest.count / 2 {
                // A sender that is always ahead of the handler never lets it run empty.
                rest.removeFirst(head)
                head = 0
            }
        } else if rest.capacity > 0 {
            // Empty again: an idle socket keeps nothing.
            rest = []
        }
        return message
    }

    mutating func removeAll() { self = MessageInbox() }
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
