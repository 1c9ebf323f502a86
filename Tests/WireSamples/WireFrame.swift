// SPDX-License-Identifier: Apache-2.0
package import WSCodec

/// One frame as it stands on the wire, right or wrong, written octet by octet from the drawing in
/// RFC 6455 section 5.2 and not by the code under test.
package struct WireFrame: Sendable {
    /// How the payload length is written.
    package enum LengthForm: Sendable { case shortest, sixteenBits, sixtyFourBits }

    package var isFinal = true
    /// RSV1, RSV2, RSV3 as the number 0 to 7, RSV1 being 4.
    package var reserved: UInt8 = 0
    package var opcode: UInt8
    package var payload: [UInt8] = []
    package var lengthForm = LengthForm.shortest
    /// The length that the header declares, if not that of the payload.
    package var declaredLength: UInt64?
    /// Whether the mask is there when it must not be, and absent when it must.
    package var hasWrongMasking = false

    package init(_ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
    }

    package static func text(_ text: String, isFinal: Bool = true) -> Self {
        Self(1, [UInt8](text.utf8), isFinal: isFinal)
    }
    package static func text(_ octets: [UInt8], isFinal: Bool = true) -> Self {
        Self(1, octets, isFinal: isFinal)
    }
    package static func binary(_ octets: [UInt8], isFinal: Bool = true) -> Self {
        Self(2, octets, isFinal: isFinal)
    }
    package static func continuation(_ text: String, isFinal: Bool = true) -> Self {
        Self(0, [UInt8](text.utf8), isFinal: isFinal)
    }
    package static func continuation(_ octets: [UInt8], isFinal: Bool = true) -> Self {
        Self(0, octets, isFinal: isFinal)
    }
    package static func ping(_ octets: [UInt8] = []) -> Self { Self(9, octets) }
    package static func pong(_ octets: [UInt8] = []) -> Self { Self(10, octets) }
    package static func close(_ code: UInt16, _ reason: [UInt8] = []) -> Self {
        Self(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
    }
    package static let emptyClose = Self(8)

    package func reserved(_ bits: UInt8) -> Self {
        var frame = self
        frame.reserved = bits
        return frame
    }

    package func length(_ form: LengthForm, declared: UInt64? = nil) -> Self {
        var frame = self
        frame.lengthForm = form
        frame.declaredLength = declared
        return frame
    }

    /// The octets as `receiver` gets them: masked if that is a server.
    package func octets(
        to receiver: Role, key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    ) -> [UInt8] {
        let isMasked = (receiver == .server) != hasWrongMasking
        let length = declaredLength ?? UInt64(payload.count)
        var form = lengthForm
        if form == .shortest, length > 125 { form = length < 65536 ? .sixteenBits : .sixtyFourBits }
        let maskBit: UInt8 = isMasked ? 0x80 : 0
        var octets = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
        switch form {
        case .shortest: octets.append(maskBit | UInt8(length))
        case .sixteenBits:
            octets += [maskBit | 126, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
        case .sixtyFourBits:
            octets.append(maskBit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                octets.append(UInt8(length >> UInt64(shift) & 0xFF))
            }
        }
        guard isMasked else { return octets + payload }
        octets += key
        for (index, octet) in payload.enumerated() { octets.append(octet ^ key[index % 4]) }
        return octets
    }
}
