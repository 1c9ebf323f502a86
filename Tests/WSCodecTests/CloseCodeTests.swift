// SPDX-License-Identifier: Apache-2.0
import CFrame
import Testing

@testable import WSCodec

@Suite("RFC 6455 section 7.4: close codes") struct CloseCodeTests {
    @Test func `1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent, no other`() {
        for code in UInt16.min...UInt16.max {
            let isSendable =
                (1000...1003).contains(code) || (1007...1014).contains(code)
                || (3000...4999).contains(code)
            if CloseCode(rawValue: code).isSendable != isSendable
                || (CloseCode(sendable: code) != nil) != isSendable
            {
                Issue.record("\(code)")
            }
        }
    }

    @Test func `a code is printed with its meaning`() {
        #expect("\(CloseCode.goingAway)" == "1001 (going away)")
        #expect("\(CloseCode(rawValue: 4001))" == "4001")
    }

    @Test func `every violation has the close code that C gives it`() {
        let named = (1...17).compactMap { (status: UInt32) in
            ProtocolError(cframe_status(status))
        }
        // Those of RFC 7692 are found above the frames.
        let others: [ProtocolError.Violation] = [.corruptCompression, .outOfMemory]
        #expect(named.map(\.violation) + others == ProtocolError.Violation.allCases)
        #expect(others.map { ProtocolError($0).closeCode } == [.invalidPayload, .tryAgainLater])
        for (index, error) in named.enumerated() {
            let status = cframe_status(UInt32(index + 1))
            #expect(error.closeCode.rawValue == cframe_status_close_code(status))
        }
        #expect(ProtocolError(CFRAME_OK) == nil)
    }

    @Test func `an error says what the peer did`() {
        #expect(
            "\(ProtocolError(.unmaskedClientFrame))"
                == "unmasked frame from a client, close code 1002 (protocol error)")
        #expect(Set(ProtocolError.Violation.allCases.map(\.description)).count == 19)
    }
}
