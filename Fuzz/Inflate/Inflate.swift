// SPDX-License-Identifier: Apache-2.0
import FuzzInput
import WSCodec

// Goal: no compressed octets make an endpoint trap, give more than its limit, or mean something
// else when they come in other pieces; memory is given back; and what one endpoint compresses, the
// other decompresses to the same.
//
// Method: the rest of the input is the payload of a compressed message, in frames of drawn lengths,
// received whole and octet by octet; then it is itself a message that is sent and received, twice.
//
// Input: six octets of settings and lengths, then the payload.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let flags = input.octet()
    let settings = DeflateSettings(
        serverMaxWindowBits: 9 + Int(input.octet() % 7),
        clientMaxWindowBits: 9 + Int(input.octet() % 7),
        serverContextTakeover: flags & 1 == 0, clientContextTakeover: flags & 2 == 0,
        level: 1 + Int(flags >> 4) % 9, memoryLevel: 1 + Int(flags >> 5), thresholdBytes: 0)
    let limit = input.one(of: [1 << 20, 100_000, 70_000, 16_384, 1000, 5, 0])
    let lengths = [Int(input.octet()), Int(input.octet())]
    let payload = input.rest()
    let isText = flags & 4 != 0
    let pool = CompressionPool(budget: CompressionBudget(limitBytes: 1 << 24))
    let offer = DeflateSettings(serverMaxWindowBits: 15, clientMaxWindowBits: 15).offer
    guard let (agreed, _) = PerMessageDeflate.answer([offer], with: settings) else {
        check(false, "the offer can be accepted")
        return 0
    }

    let frames = frames(payload.pieces(of: lengths), isText: isText)
    let whole = receive([frames], agreed, limit, pool)
    for message in whole.messages {
        switch message {
        case .text(let text): check(text.utf8.count <= limit, "the limit holds")
        case .binary(let octets): check(octets.count <= limit, "the limit holds")
        default: check(false, "nothing else was sent")
        }
    }
    if frames.count < 4000 {
        let single = receive(frames.pieces(of: [1]), agreed, limit, pool)
        // A reference beyond a small window is seen only when the window is looked at, which is
        // when octets come in pieces.
        let isBeyond =
            agreed.clientMaxWindowBits < 15
            && single.failure == ProtocolError(.corruptCompression)
        check(single == whole || isBeyond, "\(single) is \(whole)")
    }
    check(pool.usedBytes == 0, "memory is given back")
    check(pool.budget.takenBytes == pool.idleBytes, "all of it")
    echo(payload, lengths, agreed, pool)
    check(pool.usedBytes == 0, "memory is given back")
    return 0
}

/// Frames as a client would mask them with the key of all zeros.
private func frames(_ pieces: [[UInt8]], isText: Bool) -> [UInt8] {
    var octets: [UInt8] = []
    for (index, piece) in (pieces.isEmpty ? [[]] : pieces).enumerated() {
        let isLast = index + 1 >= pieces.count
        octets.append((isLast ? 0x80 : 0) | (index > 0 ? 0 : isText ? 0x41 : 0x42))
        if piece.count < 126 {
            octets.append(0x80 | UInt8(piece.count))
        } else {
            octets += [0xFE, UInt8(piece.count >> 8), UInt8(piece.count & 0xFF)]
        }
        octets += [0, 0, 0, 0] + piece
    }
    return octets
}

private struct Reception: Equatable {
    var messages: [Message] = []
    var failure: ProtocolError?
}

/// What a server makes of it twice over: the second time refers to the first.
private func receive(
    _ pieces: [[UInt8]], _ agreed: PerMessageDeflate, _ limit: Int, _ pool: CompressionPool
) -> Reception {
    var server = Endpoint(
        role: .server, limits: Limits(messageSizeMaxBytes: limit),
        compression: CompressionContexts(agreed, role: .server, pool: pool))
    var reception = Reception()
    for piece in pieces + pieces {
        do throws(ProtocolError) {
            try server.receive(piece, into: &reception.messages)
        } catch {
            reception.failure = error
        }
    }
    return reception
}

/// A message that is sent whole and in fragments arrives as it was.
private func echo(
    _ payload: [UInt8], _ lengths: [Int], _ agreed: PerMessageDeflate, _ pool: CompressionPool
) {
    var server = Endpoint(
        role: .server, compression: CompressionContexts(agreed, role: .server, pool: pool))
    var client = Endpoint(
        role: .client, compression: CompressionContexts(agreed, role: .client, pool: pool))
    var output: [UInt8] = []
    let pieces = payload.pieces(of: lengths)
    do throws(SendError) {
        try server.send(.binary(payload), into: &output)
        for (index, piece) in pieces.enumerated() {
            try server.send(
                index == 0 ? .binary : .continuation, piece.span,
                isFinal: index + 1 == pieces.count, into: &output)
        }
        try server.send(.binary(payload), into: &output)
    } catch {
        check(false, "it can be sent: \(error)")
    }
    let sent = Array(repeating: Message.binary(payload), count: pieces.isEmpty ? 2 : 3)
    check((try? client.receive(output)) == sent, "it arrives")
}
