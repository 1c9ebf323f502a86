// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSServer

/// Which octets a queue gives to the kernel, and in which order.
@Suite struct SendQueueTests {
    private let pool = BlockPool()

    /// A server's frame, by the drawing in RFC 6455 section 5.2; all its octets are `filling`.
    private static func frame(_ opcode: UInt8, _ size: Int, filling: UInt8) -> [UInt8] {
        var octets = [0x80 | opcode]
        switch size {
        case ..<126: octets.append(UInt8(size))
        case ..<65536: octets += [126, UInt8(size >> 8), UInt8(size & 0xFF)]
        default:
            octets.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                octets.append(UInt8(truncatingIfNeeded: size >> shift))
            }
        }
        return octets + Array(repeating: filling, count: size)
    }

    /// What is queued, and what is expected of it, in one.
    private final class Queue {
        private var queue = SendQueue()
        private let pool: BlockPool

        init(pool: BlockPool) { self.pool = pool }

        var count: Int { queue.count }
        var isEmpty: Bool { queue.isEmpty }
        func controlIsInLine() { queue.controlIsInLine() }
        func framesBegin() { queue.framesBegin() }
        func dropOldest(_ wanted: Int) -> Int { queue.dropOldest(wanted) }
        func removeAll() { queue.removeAll(pool) }

        func append(_ octets: [UInt8]) {
            let hasRoom = queue.hasRoom(octets.count) || queue.reserve(octets.count, from: pool)
            #expect(hasRoom)
            queue.append(octets.count) { output in
                for octet in octets { output.append(octet) }
            }
        }

        /// False if it must wait with the rest.
        func appendAhead(_ octets: [UInt8]) -> Bool {
            guard queue.reserveAhead(octets.count, from: pool) else { return false }
            queue.appendAhead(octets.count) { output in
                for octet in octets { output.append(octet) }
            }
            return true
        }

        /// Sends at most `count` octets; gives what the kernel took.
        func send(_ count: Int = .max) -> [UInt8] {
            guard let next = unsafe queue.beginSend(pool) else { return [] }
            let taken = unsafe Array(next.prefix(count))
            queue.endSend(taken.count, pool)
            return taken
        }

        func sendAll() -> [UInt8] {
            var all: [UInt8] = []
            while true {
                let taken = send()
                guard !taken.isEmpty else { return all }
                all += taken
            }
        }
    }

    private static let sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]

    @Test(arguments: sizes)
    func `the oldest data frames are dropped, whole`(size: Int) {
        let frames = (0..<6).map { Self.frame($0 % 2 == 0 ? 1 : 2, size, filling: $0) }
        for dropped in 0...6 {
            let queue = Queue(pool: pool)
            for frame in frames { queue.append(frame) }
            // One octet more than the frames before has to drop the next.
            let wanted = dropped == 0 ? 0 : (dropped - 1) * frames[0].count + 1
            #expect(queue.dropOldest(wanted) == dropped)
            #expect(queue.count == (6 - dropped) * frames[0].count)
            let left = queue.sendAll()
            #expect(left == frames[dropped...].flatMap(\.self), "\(dropped) of \(size)")
        }
    }

    @Test func `all data frames are dropped, no control frame`() {
        let data = Self.sizes.map { Self.frame(2, $0, filling: 1) }
        let control = (0..<Self.sizes.count).map { Self.frame(9, $0, filling: 2) }
        let queue = Queue(pool: pool)
        for index in data.indices {
            queue.append(data[index])
            queue.append(control[index])
        }
        #expect(queue.dropOldest(.max) == data.count)
        #expect(queue.dropOldest(.max) == 0)
        queue.append(data[3])
        let left = queue.sendAll()
        #expect(left == control.flatMap(\.self) + data[3])
    }

    @Test func `what the kernel has is not dropped, even if it took a part`() {
        let frames = (0..<4).map { Self.frame(2, 300, filling: $0) }
        let queue = Queue(pool: pool)
        queue.append(frames[0])
        queue.append(frames[1])
        var sent = queue.send(350)
        queue.append(frames[2])
        queue.append(frames[3])
        #expect(queue.dropOldest(1) == 1)
        sent += queue.sendAll()
        #expect(sent == frames[0] + frames[1] + frames[3])
        #expect(queue.isEmpty)
        #expect(queue.dropOldest(1) == 0)
    }

    @Test func `what goes ahead follows the frames that the kernel has`() {
        let frames = (0..<3).map { Self.frame(2, 300, filling: $0) }
        let pings = (3..<6).map { Self.frame(9, 100, filling: $0) }
        let queue = Queue(pool: pool)
        queue.append(frames[0])
        var sent = queue.send(10)
        queue.append(frames[1])
        #expect(queue.appendAhead(pings[0]))
        queue.append(frames[2])
        #expect(queue.appendAhead(pings[1]))
        #expect(queue.count == 3 * 304 - 10 + 2 * 102)
        #expect(queue.dropOldest(1) == 1)
        sent += queue.send(400)
        sent += queue.send(3)
        #expect(queue.appendAhead(pings[2]))
        sent += queue.sendAll()
        #expect(sent == frames[0] + pings[0] + pings[1] + pings[2] + frames[2])
    }

    @Test func `no control frame goes ahead of another`() {
        let data = Self.frame(2, 300, filling: 0)
        let pings = (1..<5).map { Self.frame(9, 10, filling: $0) }
        let queue = Queue(pool: pool)
        queue.append(data)
        queue.append(pings[0])
        queue.controlIsInLine()
        #expect(!queue.appendAhead(pings[1]))
        queue.append(pings[1])
        var sent = queue.send(10)
        // Those in line are with the kernel, and go first anyway.
        queue.append(data)
        #expect(queue.appendAhead(pings[2]))
        sent += queue.sendAll()
        #expect(sent == data + pings[0] + pings[1] + pings[2] + data)
    }

    @Test func `nothing goes ahead of a reply, nor is one dropped`() {
        let reply = Array("HTTP/1.1 101 \r\n\r\n".utf8)
        let frames = (0..<2).map { Self.frame(2, 300, filling: $0) }
        let ping = Self.frame(9, 1, filling: 9)
        let queue = Queue(pool: pool)
        queue.append(reply)
        queue.framesBegin()
        queue.append(frames[0])
        queue.append(frames[1])
        #expect(!queue.appendAhead(ping))
        #expect(queue.dropOldest(1) == 1)
        var sent = queue.send(5)
        // The reply is with the kernel, and whatever is queued now comes behind it.
        #expect(queue.appendAhead(ping))
        queue.append(frames[0])
        sent += queue.sendAll()
        #expect(sent == reply + frames[1] + ping + frames[0])
    }

    @Test func `nothing is left when everything is dropped`() {
        let queue = Queue(pool: pool)
        queue.append(Self.frame(2, 300, filling: 1))
        #expect(queue.appendAhead(Self.frame(9, 1, filling: 9)))
        queue.removeAll()
        #expect(queue.isEmpty)
        #expect(queue.send().isEmpty)
    }
}
