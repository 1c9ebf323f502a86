// SPDX-License-Identifier: Apache-2.0

/// What a socket's operations throw.
public struct WebSocketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it was.
    public enum Code: Sendable, Hashable {
        /// The conversation ended without a closing handshake: ``WebSocketError/closeInfo`` says how.
        case connectionFailed
        /// Something was sent after the conversation had ended or the Close had been sent.
        case closed
        /// Two tasks waited for a message of one socket at once.
        case alreadyReceiving
        /// The waiting task was cancelled.
        case cancelled
        /// What was to be sent breaks a rule of the protocol or a limit.
        case refused(SendError)
    }

    /// What kind of failure it was.
    public var code: Code
    /// How the conversation ended, once it has.
    public var closeInfo: CloseInfo? {
        get { if case .info(let info)? = box { info } else { nil } }
        set { box = newValue.map(Box.info) }
    }

    /// Apart, because every waiting task's frame has room for errors.
    private indirect enum Box: Hashable, Sendable { case info(CloseInfo) }
    private var box: Box?

    init(_ code: Code, closeInfo: CloseInfo? = nil) {
        self.code = code
        box = closeInfo.map(Box.info)
    }

    /// The kind, and the way the conversation ended.
    public var description: String {
        guard let closeInfo else { return "WebSocketError(\(code))" }
        return "WebSocketError(\(code), \(closeInfo.code.rawValue), \(closeInfo.cause))"
    }
}
