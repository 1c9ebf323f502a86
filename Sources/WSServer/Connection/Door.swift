// SPDX-License-Identifier: Apache-2.0

/// How an application talks with an upgraded connection.
enum Door: Sendable {
    /// A closure that runs for as long as the conversation, in a task of its own.
    case conversation(@Sendable (WebSocket) async throws -> Void)
}
