// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSServer

@Suite("RFC 9110 section 5.6.7: dates") struct HTTPDateTests {
    private func date(_ seconds: Int64) -> String {
        String(decoding: HTTPDate.octets(secondsSince1970: seconds), as: UTF8.self)
    }

    @Test(
        "are written as the RFC writes them",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            // The RFC's own example.
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            // Outside what four digits of a year can say.
            (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)])
    func areWritten(seconds: Int64, text: String) {
        #expect(date(seconds) == text)
    }

    /// Every day of 800 years, against a calendar that only counts.
    @Test func `agree with a naive calendar`() {
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            ("Jan", 31), ("Feb", 28), ("Mar", 31), ("Apr", 30), ("May", 31), ("Jun", 30),
            ("Jul", 31), ("Aug", 31), ("Sep", 30), ("Oct", 31), ("Nov", 30), ("Dec", 31),
        ]
        func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        var days = 0
        for year in 1970..<2770 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, length) in months {
                for day in 1...(month == "Feb" && isLeap ? 29 : length) {
                    let time = (days * 7919) % 86_400
                    let expected =
                        "\(weekdays[days % 7]), \(pad(day)) \(month) \(year) "
                        + "\(pad(time / 3600)):\(pad(time / 60 % 60)):\(pad(time % 60)) GMT"
                    let seconds = Int64(days * 86_400 + time)
                    if date(seconds) != expected {
                        Issue.record("\(seconds): \(date(seconds)), not \(expected)")
                        return
                    }
                    days += 1
                }
            }
        }
    }
}
