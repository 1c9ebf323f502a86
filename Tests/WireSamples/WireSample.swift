// SPDX-License-Identifier: Apache-2.0
package import WSCodec

/// A stream of frames and what an endpoint must make of it.
package struct WireSample: Sendable, CustomStringConvertible {
    /// What the sample shows; it begins with its number in the Autobahn testsuite if it has one.
    package let name: String
    package let frames: [WireFrame]
    /// The messages and control frames that must be reported, in order.
    package let messages: [Message]
    /// The rule that the stream breaks behind those.
    package let violation: ProtocolError.Violation?

    package init(
        _ name: String, _ frames: [WireFrame], _ messages: [Message],
        _ violation: ProtocolError.Violation? = nil
    ) {
        self.name = name
        self.frames = frames
        self.messages = messages
        self.violation = violation
    }

    package var description: String { name }

    /// The stream as `receiver` gets it.
    package func octets(to receiver: Role) -> [UInt8] {
        frames.flatMap { $0.octets(to: receiver) }
    }

    /// All the samples.
    package static let all: [WireSample] =
        framing + pings + reservedBits + opcodes + fragmentation + text + closing
}
