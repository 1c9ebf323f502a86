// SPDX-License-Identifier: Apache-2.0
import FuzzInput
import WSCodec
@testable import WSServer

// Goal: no octets make the reader of request bodies trap, a body never exceeds its limit, and what
// is read does not hang on how the octets were cut.
//
// Input: framing, limits, two lengths of pieces, then the body and what follows it.

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let isChunked = input.flag()
    let length = Int(input.octet())
    let sizeMax = input.one(of: [0, 1, 16, 200, 100_000])
    let headMax = input.one(of: [0, 1, 10, 1000])
    let lengths = [Int(input.octet()), Int(input.octet())]
    let octets = input.rest()
    let framing = isChunked ? BodyReader.Framing.chunked : .length(length)

    let reader: BodyReader
    do throws(BodyError) {
        reader = try BodyReader(framing, sizeMax: sizeMax, headMax: headMax)
    } catch {
        check(error == .bodyTooLarge && !isChunked && length > sizeMax, "refused: \(error)")
        return 0
    }
    let whole = read(reader, [octets])
    let single = read(reader, octets.pieces(of: [1]))
    for reading in [single, read(reader, octets.pieces(of: lengths))] {
        check(reading.failure == whole.failure, "the same failure")
        check(reading.isComplete == whole.isComplete, "the same end")
        guard whole.failure == nil else { continue }
        check(reading.body == whole.body && reading.taken == whole.taken, "the same body")
    }
    check(whole.body.count <= sizeMax, "the limit holds")
    if whole.isComplete, !isChunked { check(whole.body.count == length, "the length holds") }
    if single.failure != nil {
        let before = read(reader, [[UInt8](octets.prefix(single.given - 1))])
        check(before.failure == nil, "no octet before the one that is wrong is held against it")
    }
    return 0
}

struct Reading {
    var body: [UInt8] = []
    var taken = 0
    var isComplete = false
    var failure: BodyError?
    /// Octets that had been given when it failed.
    var given = 0
}

func read(_ reader: BodyReader, _ pieces: [[UInt8]]) -> Reading {
    var reader = reader
    var reading = Reading()
    for piece in pieces where !reader.isComplete && reading.failure == nil {
        reading.given += piece.count
        piece.withExactBlock { block in
            do throws(BodyError) {
                let taken = try reader.receive(block.span)
                check(taken <= piece.count, "takes octets it has")
                check(taken == piece.count || reader.isComplete, "takes all up to the end")
                reading.taken += taken
            } catch {
                reading.failure = error
            }
        }
    }
    reading.body = reader.body
    reading.isComplete = reader.isComplete
    return reading
}
