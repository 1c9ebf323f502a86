// SPDX-License-Identifier: Apache-2.0

/// The date of a reply, as RFC 9110 section 5.6.7 wants it: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    /// The 29 octets of the date `seconds` after 1970-01-01 00:00:00 UTC, without leap seconds.
    ///
    /// Times outside the years 1970 to 9999 give the nearest one inside. Costs some 50 octets
    /// written: callers keep the result for the second it is good for.
    static func octets(secondsSince1970 seconds: Int64) -> [UInt8] {
        let seconds = Int(min(max(seconds, 0), 253_402_300_799))
        let (days, time) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civilDate(daysSince1970: days)

        var out: [UInt8] = []
        out.reserveCapacity(29)
        // 1970-01-01 was a Thursday.
        out.append(contentsOf: weekdays[(days + 4) % 7].utf8)
        out.append(contentsOf: ", ".utf8)
        appendTwoDigits(day)
        out.append(UInt8(ascii: " "))
        out.append(contentsOf: months[month - 1].utf8)
        out.append(UInt8(ascii: " "))
        appendTwoDigits(year / 100)
        appendTwoDigits(year % 100)
        out.append(UInt8(ascii: " "))
        appendTwoDigits(time / 3600)
        out.append(UInt8(ascii: ":"))
        appendTwoDigits(time / 60 % 60)
        out.append(UInt8(ascii: ":"))
        appendTwoDigits(time % 60)
        out.append(contentsOf: " GMT".utf8)
        return out

        func appendTwoDigits(_ value: Int) {
            out.append(UInt8(ascii: "0") + UInt8(value / 10))
            out.append(UInt8(ascii: "0") + UInt8(value % 10))
        }
    }

    /// The date of a day in the Gregorian calendar.
    ///
    /// Years are counted from 1 March, so that the leap day is the last of its year, in eras of 400
    /// years, which all have 146,097 days.
    private static func civilDate(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // From March, every five months have 153 days.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
