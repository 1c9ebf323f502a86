// SPDX-License-Identifier: Apache-2.0

/// The status code of a Close frame: why an endpoint ends the connection (RFC 6455 section 7.4).
///
/// Any 16-bit number is a value of this type, as codes are compared and logged more often than
/// sent; `isSendable` tells which of them may go on the wire.
public struct CloseCode: RawRepresentable, Hashable, Sendable {
    /// The code as it stands on the wire.
    public var rawValue: UInt16

    /// The code with this number, sendable or not.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The code with this number if it may be sent in a Close frame, else nil.
    public init?(sendable rawValue: UInt16) {
        self.rawValue = rawValue
        guard isSendable else { return nil }
    }

    /// 1000: the purpose of the connection is fulfilled.
    public static let normal = CloseCode(rawValue: 1000)
    /// 1001: the server goes down, or the browser leaves the page.
    public static let goingAway = CloseCode(rawValue: 1001)
    /// 1002: the peer broke a rule of the protocol.
    public static let protocolError = CloseCode(rawValue: 1002)
    /// 1003: the peer sent a type of data that cannot be accepted.
    public static let unsupportedData = CloseCode(rawValue: 1003)
    /// 1005: a Close frame without a code was received. Never sent.
    public static let noStatus = CloseCode(rawValue: 1005)
    /// 1006: the connection ended without a Close frame. Never sent.
    public static let abnormal = CloseCode(rawValue: 1006)
    /// 1007: the peer's data does not fit its type, such as text that is not UTF-8.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    /// 1008: the peer broke a policy that no other code names.
    public static let policyViolation = CloseCode(rawValue: 1008)
    /// 1009: the peer's message is too big to process.
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// 1010: the client needs an extension that the server did not agree to.
    public static let mandatoryExtension = CloseCode(rawValue: 1010)
    /// 1011: the server met a condition that it did not expect.
    public static let internalError = CloseCode(rawValue: 1011)
    /// 1012: the service restarts.
    public static let serviceRestart = CloseCode(rawValue: 1012)
    /// 1013: the server is overloaded; try again later.
    public static let tryAgainLater = CloseCode(rawValue: 1013)
    /// 1014: a gateway got an invalid response from the server behind it.
    public static let badGateway = CloseCode(rawValue: 1014)
    /// 1015: the TLS handshake failed. Never sent.
    public static let tlsHandshake = CloseCode(rawValue: 1015)

    /// Whether the code may stand in a Close frame: 1000 to 1003, 1007 to 1014 (registered for
    /// that use), and 3000 to 4999 (for libraries and applications).
    public var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension CloseCode: CustomStringConvertible {
    /// The number, followed by its meaning where it has one: `1001 (going away)`.
    public var description: String {
        switch self {
        case .normal: "1000 (normal closure)"
        case .goingAway: "1001 (going away)"
        case .protocolError: "1002 (protocol error)"
        case .unsupportedData: "1003 (unsupported data)"
        case .noStatus: "1005 (no status received)"
        case .abnormal: "1006 (abnormal closure)"
        case .invalidPayload: "1007 (invalid payload)"
        case .policyViolation: "1008 (policy violation)"
        case .messageTooBig: "1009 (message too big)"
        case .mandatoryExtension: "1010 (mandatory extension)"
        case .internalError: "1011 (internal error)"
        case .serviceRestart: "1012 (service restart)"
        case .tryAgainLater: "1013 (try again later)"
        case .badGateway: "1014 (bad gateway)"
        case .tlsHandshake: "1015 (TLS handshake)"
        default: "\(rawValue)"
        }
    }
}
