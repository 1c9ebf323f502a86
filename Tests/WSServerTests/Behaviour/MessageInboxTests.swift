// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@testable import WSServer

@Suite("The inbox of a socket") struct MessageInboxTests {
    @Test func `messages come out in the order they went in`() {
        var inbox = MessageInbox(InboxPlaces())
        var next = 0
        for round in 0..<50 {
            for index in 0..<(round % 7 + 1) { inbox.append(.text("\(round) \(index)")) }
            if round % 3 == 0 { while inbox.popFirst() != nil { next += 1 } }
        }
        let waiting = inbox.count
        #expect(waiting + next == (0..<50).reduce(0) { $0 + $1 % 7 + 1 })
    }

    @Test func `octets are those of the messages that wait`() {
        var inbox = MessageInbox(InboxPlaces())
        inbox.append(.text("hé"))
        inbox.append(.binary([1, 2, 3, 4]))
        inbox.append(.ping([5]))
        let (before, first, after) = (inbox.octets, inbox.popFirst(), inbox.octets)
        #expect(before == 8)
        #expect(first == .text("hé"))
        #expect(after == 5)
        inbox.removeAll()
        let (left, last) = (inbox.octets, inbox.popFirst())
        #expect(left == 0)
        #expect(last == nil)
    }

    /// A sender that stays ahead of its handler must not make the inbox grow with every message
    /// that passes through it.
    @Test func `an inbox that never runs empty does not grow`() {
        var inbox = MessageInbox(InboxPlaces())
        for number in 0..<48 { inbox.append(.text("\(number)")) }
        for number in 48..<100_000 {
            inbox.append(.text("\(number)"))
            let first = inbox.popFirst()
            #expect(first == .text("\(number - 48)"))
        }
        let (count, placeCount) = (inbox.count, inbox.placeCount)
        #expect(count == 48)
        #expect(placeCount < 200)
    }

    @Test func `an empty inbox has given its memory back, and the next one uses it`() {
        let places = InboxPlaces()
        for _ in 0..<3 {
            var inbox = MessageInbox(places)
            for number in 0..<20 { inbox.append(.text("\(number)")) }
            for number in 0..<20 {
                let message = inbox.popFirst()
                #expect(message == .text("\(number)"))
            }
            let isEmpty = inbox.isEmpty
            #expect(isEmpty)
            #expect(places.spareCount == 1)
        }
    }
}
