// SPDX-License-Identifier: Apache-2.0

/// What one measurement found.
struct Result: CustomStringConvertible {
    var tally: Tally
    var server: ServerCost?

    init(_ tally: Tally) { self.tally = tally }

    var messagesPerSecond: Double { Double(tally.messages) / tally.elapsed * 1e9 }

    var description: String {
        var text = "  \(grouped(messagesPerSecond)) messages/s"
        if let openLoop = tally.openLoop { text += " of \(grouped(openLoop.rate)) wanted" }
        text += """

              latency\(tally.openLoop == nil ? "" : " since due"): \(tally.latency.text)
              load generator: \(percent(tally.cpu / tally.elapsed)) of its core
            """
        for line in tally.openLoop?.reservations(achieved: messagesPerSecond) ?? [] {
            text += "\n  \(line)"
        }
        if let server { text += "\n" + server.text(per: "message") }
        return text
    }

    /// One object with all figures; times in nanoseconds.
    func json(_ shape: Shape, _ labels: [(String, String)] = []) -> String {
        var json = JSONLine()
        for (name, value) in labels { json.add(name, value) }
        json.add("mode", shape.rate == nil ? "closed" : "open")
        json.add("connections", shape.connections)
        json.add("depth", shape.depth)
        json.add("size", shape.size)
        json.add("binary", shape.isBinary)
        json.add("json", shape.isJSON)
        json.add("compressed", shape.isCompressed)
        json.add("fragments", shape.fragments)
        if let openLoop = tally.openLoop {
            json.add("arrivals", shape.arrivals.rawValue)
            json.add("seed", shape.seed)
            openLoop.add(to: &json)
        }
        json.add("messages", tally.messages)
        json.add("messages_per_second", messagesPerSecond)
        json.add("ratio", tally.ratio, places: 3)
        tally.latency.add(to: &json)
        json.add("load_cpu_percent", tally.cpu / tally.elapsed * 100)
        server?.add(to: &json)
        return json.text
    }
}

/// 1234567.8 as 1,234,568.
func grouped(_ value: Double) -> String {
    let digits = Array("\(Int(value.rounded()))")
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, digit.isNumber, digits[index - 1].isNumber, (digits.count - index) % 3 == 0 {
            text.append(",")
        }
        text.append(digit)
    }
    return text
}

/// With so many digits behind the point.
func fixed(_ value: Double, _ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    var fraction = "\(scaled % scale)"
    while fraction.count < places { fraction = "0" + fraction }
    return (value < 0 ? "-" : "") + "\(scaled / scale)." + fraction
}

func microseconds(_ nanoseconds: Double) -> String { grouped(nanoseconds / 1000) }

func milliseconds(_ nanoseconds: Double) -> String { fixed(nanoseconds / 1e6, 1) }

func mebibytes(_ bytes: Double) -> String { fixed(bytes / 1_048_576, 1) }

func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
