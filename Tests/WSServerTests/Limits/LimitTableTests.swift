// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WSCodec

@testable import WSServer

/// The table of limits in the README says what the code does.
@Suite("The README's table of limits") struct LimitTableTests {
    /// The first two cells of each row, as the defaults make them.
    private static let rows: [[String]] = {
        let limits = ServerLimits()
        let configuration = WebSocketServer.Configuration()
        return [
            ["request head, from accept or its first octet", time(limits.requestHeadTimeout)],
            ["request line", size(limits.requestLineMaxBytes)],
            [
                "request head, fields",
                "\(size(limits.requestHeadMaxBytes)), \(count(limits.fieldCountMax))",
            ],
            [
                "request body",
                "\(size(limits.bodySizeMaxBytes)); \(time(limits.bodyTimeout)); "
                    + "at least \(size(limits.bodyRateMinBytesPerSecond))/s",
            ],
            ["body of an upgrade request", "none"],
            ["idle keep-alive", time(limits.keepAliveTimeout)],
            ["route handler", time(limits.handlerTimeout)],
            ["pipelined requests waiting", count(limits.pipelinedRequestsMax)],
            ["message", size(limits.messageSizeMaxBytes)],
            [
                "frame",
                limits.frameSizeMaxBytes == .max
                    ? "as the message" : size(limits.frameSizeMaxBytes),
            ],
            ["fragments of a message, empty ones counted", count(limits.fragmentCountMax)],
            ["unfinished message without progress", time(limits.messageStallTimeout)],
            [
                "inbox of a socket",
                "\(count(limits.inboxMaxMessages)) messages or \(size(limits.inboxMaxBytes))",
            ],
            ["send queue", size(limits.sendQueueHighWaterBytes)],
            [
                "send queue, hard",
                "the larger of \(size(limits.sendQueueMaxBytes(message: 0))) and a message",
            ],
            ["send without progress", time(limits.sendStallTimeout)],
            [
                "ping after silence, wait for the pong",
                "\(time(limits.pingInterval)), \(time(limits.pongTimeout))",
            ],
            ["pongs queued", size(limits.pongQueueMaxBytes)],
            ["closing handshake", time(limits.closeTimeout)],
            [
                "compressor of a socket without compressed messages",
                time(limits.compressorIdleTimeout),
            ],
            [
                "compression contexts, all together",
                size(configuration.compressionBudget.limitBytes),
            ],
            [
                "messages and octets of all sockets together",
                size(configuration.memoryBudget.limitBytes),
            ],
            [
                "lingering after the last octet",
                "\(time(limits.lingerTimeout)) or \(size(limits.lingerMaxBytes))",
            ],
            ["connections", "80 % of the descriptor limit, less 16"],
            [
                "connections of one address, or one /64 of IPv6",
                limits.connectionsPerAddressMax.map(count) ?? "any number",
            ],
            ["connections waiting to be accepted", count(limits.backlog)],
            ["Origin, when there is one", "the same host"],
        ]
    }()

    private static func size(_ octets: Int) -> String {
        octets % (1 << 20) == 0 ? "\(octets >> 20) MiB" : "\(octets >> 10) KiB"
    }

    private static func time(_ time: Duration) -> String { "\(time.components.seconds) s" }

    private static func count(_ count: Int) -> String {
        count < 1000 ? "\(count)" : "\(count / 1000),\("\(1000 + count % 1000)".dropFirst())"
    }

    @Test func `is complete and true`() throws {
        let readme = try Self.text(of: "README.md")
        let section = try #require(readme.split(separator: "\n## Limits\n").dropFirst().first)
        let lines = section.split(separator: "\n").prefix { !$0.hasPrefix("## ") }
        let rows = lines.filter { $0.hasPrefix("| ") }.dropFirst(2).map { line in
            line.split(separator: "|").prefix(2).map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
        #expect(rows == Self.rows)
        // Every option is in the table; some rows hold two or three.
        #expect(Mirror(reflecting: ServerLimits()).children.count == 29)
    }

    @Test func `has the right share of descriptors and the right Origin`() {
        #expect(ServerLimits().connectionsMax(descriptors: 1000) == 1000 * 80 / 100 - 16)
        #expect(WebSocketServer.Configuration().origin == .sameHost)
    }

    private static func text(of name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let file = try #require(fopen("/\(root)/\(name)", "r"))
        defer { fclose(file) }
        var octets = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&octets, 1, octets.count, file)
        return String(decoding: octets[..<count], as: UTF8.self)
    }
}
