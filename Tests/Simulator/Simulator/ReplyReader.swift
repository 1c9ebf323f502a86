// SPDX-License-Identifier: Apache-2.0
import WSCodec
import WireSamples

/// What a client makes of the octets it gets: the reply to its handshake, then messages. Slow and
/// obvious: octet by octet.
struct ReplyReader {
    private var head: [UInt8] = []
    private var decoder = NaiveDecoder(role: .client)
    private var taken = 0

    /// The status of the reply, once its head has come.
    private(set) var status: Int?
    private(set) var hasClose = false
    /// What the server did that it must not do.
    private(set) var mistake: String?

    /// Takes one octet; gives the message that it completes.
    mutating func take(_ octet: UInt8) -> Message? {
        guard status != nil else {
            head.append(octet)
            if head.suffix(4) == [13, 10, 13, 10] { readHead() }
            return nil
        }
        // The body of another reply.
        guard status == 101 else { return nil }
        if hasClose {
            mistake = "an octet behind its Close"
            return nil
        }
        decoder.receive(octet)
        if let code = decoder.failure { mistake = "a stream that deserves \(code)" }
        guard decoder.messages.count > taken else { return nil }
        taken = decoder.messages.count
        let message = decoder.messages[taken - 1]
        if case .close = message { hasClose = true }
        return message
    }

    private mutating func readHead() {
        let text = String(decoding: head, as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count > 1, words[0] == "HTTP/1.1", let number = Int(words[1]) else {
            mistake = "a reply that begins with \(text.prefix(20))"
            return
        }
        status = number
        if number == 101, !text.contains("\r\nSec-WebSocket-Accept: \(Handshake.accept)\r\n") {
            mistake = "a 101 without the right accept key"
        }
    }
}
