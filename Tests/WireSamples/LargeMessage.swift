// SPDX-License-Identifier: Apache-2.0
package import WSCodec

/// A message as in Autobahn's groups 9 and 10, written by an endpoint: naive code would take
/// minutes to mask megabytes.
package struct LargeMessage: Sendable {
    package let payload: [UInt8]
    package let isText: Bool

    /// A message of `count` octets.
    package init(count: Int, isText: Bool) {
        let pattern = isText ? [UInt8]("Hello-µ@ßöäüàá-€!".utf8) : [UInt8](0...250)
        var payload = [UInt8](repeating: 0x2A, count: count % pattern.count)
        payload.reserveCapacity(count)
        for _ in 0..<count / pattern.count { payload.append(contentsOf: pattern) }
        self.payload = payload
        self.isText = isText
    }

    package var message: Message {
        isText ? .text(String(decoding: payload, as: UTF8.self)) : .binary(payload)
    }

    /// The octets as `receiver` gets them, in frames of at most `fragment` octets.
    package func wire(to receiver: Role = .server, fragment: Int = .max) throws -> [UInt8] {
        let key = MaskingKey(0x37, 0xFA, 0x21, 0x3D)  // a server makes no use of it
        var sender = Endpoint(role: receiver == .server ? .client : .server)
        var wire: [UInt8] = []
        var start = 0
        repeat {
            let end = fragment < payload.count - start ? start + fragment : payload.count
            try sender.send(
                start > 0 ? .continuation : isText ? .text : .binary,
                payload.span.extracting(start..<end), isFinal: end == payload.count,
                maskingKey: key, into: &wire)
            start = end
        } while start < payload.count
        return wire
    }
}
