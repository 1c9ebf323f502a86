// SPDX-License-Identifier: Apache-2.0

/// One WebSocket connection, as its conversation sees it.
public struct WebSocket: Sendable {}
