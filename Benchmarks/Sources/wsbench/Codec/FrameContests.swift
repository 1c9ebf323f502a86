// SPDX-License-Identifier: Apache-2.0
import CFrame
import CYardstick
import WSCodec

extension Contest {
    static let parse = "cframe_parse"

    /// Finds, unmasks and validates frames, by the C parser on each kernel.
    static func parse(
        _ content: Content, _ size: MessageSize, _ subjects: Subjects
    ) throws -> Contest {
        let (wire, check) = wires(content, size)
        let contenders = try subjects.kernels.map {
            try Parsing(wire, check: check, kernel: $0).contender
        }
        return try Contest(.parse, content, size, wire, contenders)
    }

    /// Finds messages: the C parser, the endpoint over it, and NIO.
    static func decode(_ content: Content, _ size: MessageSize) throws -> Contest {
        let (wire, check) = wires(content, size)
        let endpoint = try EndpointDecoding(wire, check: check)
        let rivals: [Contender.Rival] = [
            .init(name: parse, kernel: .best), .init(name: nio),
        ]
        return try Contest(
            .decode, content, size, wire,
            [
                Parsing(wire, check: check, kernel: .best).contender,
                endpoint.inPlace(rivals: rivals), endpoint.copying(rivals: rivals),
                NIODecoding(wire, check: check).contender,
            ])
    }

    /// Writes frames: the C encoder and the endpoint over it.
    static func encode(_ content: Content, _ size: MessageSize) throws -> Contest {
        let arena = Arena(content, size)
        let names = ["cframe_encode, server", "cframe_encode, client"]
        var contenders = [
            try arena.contender(Contender.memcpy, YARDSTICK_MEMCPY),
            try arena.contender(names[0], YARDSTICK_ENCODE, kernel: .best),
            try arena.contender(names[1], YARDSTICK_ENCODE_MASKED, kernel: .best),
        ]
        for (name, role) in zip(names, [.server, .client] as [Role]) {
            let rivals: [Contender.Rival] = [.init(name: name, kernel: .best)]
            let endpoint = try EndpointEncoding(arena, role: role)
            contenders.append(endpoint.intoSpan(rivals: rivals))
            contenders.append(endpoint.intoArray(rivals: rivals))
        }
        return Contest(.encode, arena, size, .aligned, contenders)
    }

    /// To time, and to check with.
    private static func wires(_ content: Content, _ size: MessageSize) -> (Wire, Wire) {
        (Wire(content, size, isSteady: true), Wire(content, size, isSteady: false))
    }

    /// Beside a memcpy of all the octets, headers and all.
    private init(
        _ operation: CodecOperation, _ content: Content, _ size: MessageSize, _ wire: Wire,
        _ contenders: [Contender]
    ) throws {
        let block = Arena(.binary, .octets(wire.octets.count))
        let memcpy = try block.contender(Contender.memcpy, YARDSTICK_MEMCPY)
        self.init(
            operation: operation, content: content, size: size, alignment: .packed,
            messages: wire.frames, octets: wire.octets.count, contenders: [memcpy] + contenders)
    }
}

/// The frames in a wire's octets, by the C parser of a server.
private final class Parsing {
    private let wire: Wire
    private let kernel: Kernel
    /// The wire's octets, which are unmasked in place: text becomes text, again and again.
    private var octets: [UInt8]

    init(_ wire: Wire, check: Wire, kernel: Kernel) throws {
        self.wire = wire
        self.kernel = kernel
        octets = check.octets
        try kernel.use()
        _ = try run(1)
        // As the parser leaves them: headers, and payloads in the clear.
        guard unmasked(check) == check.payloads else {
            throw Failure("cframe_parse, \(kernel), does not unmask the payloads that are there")
        }
        octets = wire.octets
    }

    var contender: Contender {
        // Of a contest that has them.
        let rivals: [Contender.Rival] =
            kernel == .plain ? [] : [.init(name: Contest.parse, kernel: .plain, label: "plain")]
        return Contender(name: Contest.parse, kernel: kernel, rivals: rivals) { passes in
            try self.run(passes)
        }
    }

    private func run(_ passes: Int) throws -> Double {
        var parsed = yardstick_parsed()
        let time = octets.withUnsafeMutableBufferPointer {
            yardstick_parse($0.baseAddress, $0.count, passes, &parsed)
        }
        guard parsed.status == CInt(CFRAME_OK.rawValue), parsed.frames == passes * wire.frames,
            parsed.octets == passes * wire.payloads.count
        else {
            throw Failure("cframe_parse, \(kernel), does not find the frames that are there")
        }
        return Double(time)
    }

    /// The payloads that lie in the octets now.
    private func unmasked(_ wire: Wire) -> [UInt8] {
        var payloads: [UInt8] = []
        var position = 0
        while position < octets.count {
            let length = Int(octets[position + 1] & 0x7F)
            let extended = length == 126 ? 2 : length == 127 ? 8 : 0
            let size =
                extended == 0
                ? length
                : octets[position + 2..<position + 2 + extended].reduce(0) { $0 << 8 | Int($1) }
            position += 2 + extended + 4
            payloads += octets[position..<position + size]
            position += size
        }
        return payloads
    }
}
