// SPDX-License-Identifier: Apache-2.0
import CLoad

/// What opening connections took; times in nanoseconds.
struct Handshakes: CustomStringConvertible {
    var count: UInt64
    var elapsed: Double
    /// Of the load generator.
    var cpu: Double
    /// From the call to connect until the answer was found good.
    var latency: Latency
    var server: ServerCost?

    init(_ tally: cload_tally, _ latency: Latency) {
        count = tally.handshakes
        elapsed = Double(tally.elapsed_ns)
        cpu = Double(tally.cpu_ns)
        self.latency = latency
    }

    var perSecond: Double { Double(count) / max(1, elapsed) * 1e9 }

    var description: String {
        var text = """
              \(grouped(perSecond)) handshakes/s
              from connecting to the answer: \(latency.text)
              load generator: \(percent(cpu / elapsed)) of its core
            """
        if let server { text += "\n" + server.text(per: "handshake") }
        return text
    }

    func json(slots: UInt32) -> String {
        var json = JSONLine()
        json.add("mode", "handshakes")
        json.add("connections", slots)
        json.add("handshakes", count)
        json.add("handshakes_per_second", perSecond)
        latency.add(to: &json)
        json.add("load_cpu_percent", cpu / elapsed * 100)
        server?.add(to: &json)
        return json.text
    }
}
