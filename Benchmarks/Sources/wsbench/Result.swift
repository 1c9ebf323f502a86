// SPDX-License-Identifier: Apache-2.0

/// What one measurement found.
struct Result: CustomStringConvertible {
    var tally: Tally
    var server: ServerCost?

    init(_ tally: Tally) { self.tally = tally }

    var messagesPerSecond: Double { Double(tally.messages) / tally.elapsed * 1e9 }

    var description: String {
        var text = """
              \(grouped(messagesPerSecond)) messages/s
              latency: p50 \(microseconds(tally.p50)), p99 \(microseconds(tally.p99)), \
            p99.9 \(microseconds(tally.p999)) µs
              load generator: \(percent(tally.cpu / tally.elapsed)) of its core
            """
        guard let server else { return text }
        text += """

              server: \(grouped(server.cpu)) ns of CPU a message, \
            \(percent(server.userShare)) of it user, \
            \(fixed(server.residentBytes / 1_048_576, 1)) MiB resident
            """
        if let instructions = server.instructions {
            text += """

                  instructions a message: \(grouped(instructions.user)) user, \
                \(grouped(instructions.kernel)) kernel
                """
        }
        return text
    }

    /// One object with all figures; times in nanoseconds.
    func json(_ shape: Shape, _ labels: [(String, String)] = []) -> String {
        var members = labels.map { "\"\($0)\": \"\($1)\"" }
        func add(_ name: String, _ value: Double) {
            members.append("\"\(name)\": \(fixed(value, 1))")
        }
        members.append("\"connections\": \(shape.connections)")
        members.append("\"depth\": \(shape.depth)")
        members.append("\"size\": \(shape.size)")
        members.append("\"binary\": \(shape.isBinary)")
        members.append("\"json\": \(shape.isJSON)")
        members.append("\"compressed\": \(shape.isCompressed)")
        members.append("\"messages\": \(tally.messages)")
        add("messages_per_second", messagesPerSecond)
        members.append("\"ratio\": \(fixed(tally.ratio, 3))")
        add("latency_p50_ns", tally.p50)
        add("latency_p99_ns", tally.p99)
        add("latency_p999_ns", tally.p999)
        add("load_cpu_percent", tally.cpu / tally.elapsed * 100)
        if let server {
            add("server_cpu_ns", server.cpu)
            add("server_user_percent", server.userShare * 100)
            add("server_resident_bytes", server.residentBytes)
            if let instructions = server.instructions {
                add("user_instructions", instructions.user)
                add("kernel_instructions", instructions.kernel)
            }
        }
        return "{" + members.joined(separator: ", ") + "}"
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

func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
