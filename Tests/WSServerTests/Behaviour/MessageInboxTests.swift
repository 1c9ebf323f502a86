// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@testable import WSServer

@Suite("The inbox of a socket") struct MessageInboxTests {
    @Test func `messages come out in the order they went in`() {
        var inbox = MessageInbox()
        var next = 0
        for round in 0..<50 {
            for index in 0..<(round % 7 + 1) { inbox.append(.text("\(round) \(index)")) }
            if round % 3 == 0 { while inbox.popFirst() != nil { next += 1 } }
        }
        #expect(inbox.count + next == (0..<50).reduce(0) { $0 + $1 % 7 + 1 })
    }

    @Test func `octets are those of the messages that wait`() {
        var inbox = MessageInbox()
        inbox.append(.text("hé"))
        inbox.append(.binary([1, 2, 3, 4]))
        inbox.append(.ping([5]))
        #expect(inbox.octets == 8)
        #expect(inbox.popFirst() == .text("hé"))
        #expect(inbox.octets == 5)
        inbox.removeAll()
        #expect(inbox.octets == 0)
        #expect(inbox.popFirst() == nil)
    }

    /// A sender that stays ahead of its handler must not make the inbox grow with every message
    /// that passes through it.
    @Test func `an inbox that never runs empty does not grow`() {
        var inbox = MessageInbox()
        for number in 0..<48 { inbox.append(.text("\(number)")) }
        for number in 48..<100_000 {
            inbox.append(.text("\(number)"))
            #expect(inbox.popFirst() == .text("\(number - 48)"))
        }
        #expect(inbox.count == 48)
        #expect(inbox.placeCount < 200)
    }
}
