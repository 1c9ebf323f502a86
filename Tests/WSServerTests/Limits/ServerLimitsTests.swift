// SPDX-License-Identifier: Apache-2.0
import Testing
import WSCodec

@testable import WSServer

@Suite("The server's limits") struct ServerLimitsTests {
    @Test func `have the defaults that SECURITY promises`() {
        let limits = ServerLimits()
        #expect(limits.mistake == nil)
        #expect(limits.requestHeadMaxBytes == 16_384)
        #expect(limits.requestLineMaxBytes == 8192)
        #expect(limits.fieldCountMax == 100)
        #expect(limits.requestHeadTimeout == .seconds(10))
        #expect(limits.keepAliveTimeout == .seconds(15))
        #expect(limits.bodySizeMaxBytes == 1_048_576)
        #expect(limits.bodyTimeout == .seconds(30))
        #expect(limits.bodyRateMinBytesPerSecond == 1024)
        #expect(limits.handlerTimeout == .seconds(30))
        #expect(limits.pipelinedRequestsMax == 16)
        #expect(limits.messageSizeMaxBytes == 1_048_576)
        #expect(limits.fragmentCountMax == 131_072)
        #expect(limits.inboxMaxBytes == 65_536)
        #expect(limits.inboxMaxMessages == 64)
        #expect(limits.sendQueueHighWaterBytes == 65_536)
        #expect(limits.sendStallTimeout == .seconds(30))
        #expect(limits.pongQueueMaxBytes == 16_384)
        #expect(limits.pingInterval == .seconds(20))
        #expect(limits.pongTimeout == .seconds(20))
        #expect(limits.closeTimeout == .seconds(10))
        #expect(limits.lingerTimeout == .seconds(1))
        #expect(limits.lingerMaxBytes == 65_536)
        #expect(limits.backlog == 1024)
    }

    @Test func `reach the codec, a route's own first`() {
        var limits = ServerLimits()
        limits.requestLineMaxBytes = 1
        limits.requestHeadMaxBytes = 2
        limits.fieldCountMax = 3
        limits.messageSizeMaxBytes = 4
        limits.frameSizeMaxBytes = 5
        limits.fragmentCountMax = 6
        #expect(
            limits.head
                == HTTPLimits(requestLineMaxBytes: 1, headMaxBytes: 2, fieldCountMax: 3))
        #expect(
            limits.messages(UpgradeOptions())
                == Limits(messageSizeMaxBytes: 4, frameSizeMaxBytes: 5, fragmentCountMax: 6))
        #expect(
            limits.messages(
                UpgradeOptions(
                    messageSizeMaxBytes: 7, frameSizeMaxBytes: 8, fragmentCountMax: 9))
                == Limits(messageSizeMaxBytes: 7, frameSizeMaxBytes: 8, fragmentCountMax: 9))
    }

    @Test func `of a send queue are at least one message`() {
        var limits = ServerLimits()
        #expect(limits.sendQueueMaxBytes(message: 1000) == 1_048_576)
        #expect(limits.sendQueueMaxBytes(message: 16_777_216) == 16_777_216)
        limits.sendQueueMaxBytes = 10
        #expect(limits.sendQueueMaxBytes(message: 1000) == 10)
    }

    @Test(arguments: [(1024, 804), (20_000, 15_984), (64, 36), (10, 1), (0, 1), (-1, 1)])
    func `of connections leave descriptors for others`(descriptors: Int, connections: Int) {
        #expect(ServerLimits().connectionsMax(descriptors: descriptors) == connections)
        var limits = ServerLimits()
        limits.connectionsMax = 7
        #expect(limits.connectionsMax(descriptors: descriptors) == 7)
    }

    @Test func `bear any descriptor limit`() {
        #expect(ServerLimits().connectionsMax(descriptors: .max) > 1 << 60)
        #expect(ServerLimits().connectionsMax(descriptors: .min) == 1)
    }

    @Test func `that make no sense are named`() {
        var limits = ServerLimits()
        limits.inboxMaxMessages = 0
        #expect(limits.mistake == "inboxMaxMessages is 0, but must be at least 1")
        limits = ServerLimits()
        limits.closeTimeout = .zero
        #expect(limits.mistake?.hasPrefix("closeTimeout is") == true)
        limits = ServerLimits()
        limits.bodySizeMaxBytes = -1
        #expect(limits.mistake == "bodySizeMaxBytes is -1, but must not be negative")
        limits = ServerLimits()
        limits.pingInterval = .zero
        #expect(limits.mistake == nil)
        limits.pingInterval = .seconds(-1)
        #expect(limits.mistake?.hasPrefix("pingInterval is") == true)
    }
}
