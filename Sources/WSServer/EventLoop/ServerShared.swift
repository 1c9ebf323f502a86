// SPDX-License-Identifier: Apache-2.0
internal import CRing
internal import Logging
internal import Synchronization

/// What all loops of a server read and none changes.
final class ServerShared: Sendable {
    let configuration: WebSocketServer.Configuration
    let times: TimeLimits
    let httpLimits: HTTPLimits
    let connectionsAllowedPerLoop: Int
    /// nil where an address may have any number of connections.
    let addressCounts: AddressCounts?
    let log: Logger
    private let usualSettings: SocketSettings

    init(_ configuration: WebSocketServer.Configuration) {
        self.configuration = configuration
        let limits = configuration.limits
        log = configuration.log
        times = TimeLimits(limits)
        httpLimits = limits.head
        let total = limits.connectionsMax(descriptors: Int(clamping: cring_descriptor_limit(0)))
        connectionsAllowedPerLoop = max(1, (total - 1) / configuration.threads + 1)
        addressCounts = limits.connectionsPerAddressMax.map(AddressCounts.init)
        usualSettings = SocketSettings(limits, UpgradeOptions())
    }

    /// Twice the loop's share of the connections, rounded up to a power of two, so that every
    /// connection can have a receive and a send complete in one turn.
    var completionEntriesPerLoop: UInt32 {
        var entries: UInt32 = 1024
        while entries < 65_536, Int(entries) < 2 * connectionsAllowedPerLoop { entries *= 2 }
        return entries
    }

    func settings(for options: UpgradeOptions) -> SocketSettings {
        options.changesSocket ? SocketSettings(configuration.limits, options) : usualSettings
    }

    private static let loopWords = Atomic<UInt>(0)

    /// A number no other loop of this process has or will have.
    static func nextLoopWord() -> UInt { loopWords.add(1, ordering: .relaxed).newValue }
}

extension UpgradeOptions {
    /// Whether a socket needs settings of its own for these options.
    fileprivate var changesSocket: Bool {
        messageSizeMaxBytes != nil || frameSizeMaxBytes != nil || fragmentCountMax != nil
            || pingInterval != nil || pongTimeout != nil || showsControlFrames
            || backPressure != .suspend
    }
}
