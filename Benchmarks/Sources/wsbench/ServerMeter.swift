// SPDX-License-Identifier: Apache-2.0
import CLoad

/// Reads what a process uses.
final class ServerMeter {
    private let pid: Int32
    private let counters: OpaquePointer?
    /// Why there are no instructions in the readings; nil when there are.
    let whyNoInstructions: String?

    init(_ pid: Int32) {
        self.pid = pid
        var failure = cload_failure()
        counters = cload_counters_open(pid, &failure)
        whyNoInstructions = counters == nil ? Failure(failure).description : nil
    }

    deinit { cload_counters_close(counters) }

    /// What the process has used so far.
    struct Reading {
        var usage = cload_usage()
        var instructions: (user: UInt64, kernel: UInt64)?

        /// What `messages` took each, since `earlier`.
        func since(_ earlier: Reading, messages: UInt64) -> ServerCost {
            let messages = Double(max(1, messages))
            let user = Double(usage.user_ticks - earlier.usage.user_ticks)
            let system = Double(usage.system_ticks - earlier.usage.system_ticks)
            var cost = ServerCost(
                cpu: Double(usage.cpu_ns &- earlier.usage.cpu_ns) / messages,
                userShare: user + system > 0 ? user / (user + system) : nil,
                residentBytes: Double(usage.resident_bytes))
            if let instructions, let before = earlier.instructions {
                cost.instructions = (
                    Double(instructions.user &- before.user) / messages,
                    Double(instructions.kernel &- before.kernel) / messages
                )
            }
            return cost
        }
    }

    func read() throws -> Reading {
        var reading = Reading()
        guard cload_usage_of(pid, &reading.usage) == 0 else {
            throw Failure("there is no process \(pid)")
        }
        if let counters {
            var user: UInt64 = 0
            var kernel: UInt64 = 0
            guard cload_counters_read(counters, &user, &kernel) == 0 else {
                throw Failure("the counters of process \(pid) cannot be read")
            }
            reading.instructions = (user, kernel)
        }
        return reading
    }

    /// Slower than `read`.
    func memory() throws -> ServerMemory {
        var memory = cload_memory()
        let error = cload_memory_of(pid, &memory)
        guard error == 0 else {
            throw Failure("the memory of process \(pid) cannot be read (error \(-error))")
        }
        return ServerMemory(memory)
    }

    /// How many the process may have open; nil where we may not ask.
    var descriptors: UInt64? {
        var most: UInt64 = 0
        return cload_descriptors_of(pid, &most) == 0 ? most : nil
    }
}

/// What one message, or one handshake, cost the server.
struct ServerCost {
    /// Nanoseconds of CPU, all threads, user and system.
    var cpu: Double
    /// The part of that in user mode, by the kernel's ticks: a sample, not a count. Nil when there
    /// was no tick.
    var userShare: Double?
    var residentBytes: Double
    var instructions: (user: Double, kernel: Double)?
    /// At the end; nil where it was not read.
    var memory: ServerMemory?

    var user: Double? { userShare.map { cpu * $0 } }
    var system: Double? { userShare.map { cpu * (1 - $0) } }

    func text(per what: String) -> String {
        var text = "  server: \(grouped(cpu)) ns of CPU a \(what)"
        if let user, let system {
            text += ", \(grouped(user)) user and \(grouped(system)) system by the kernel's ticks"
        }
        if let instructions {
            text += """

                  instructions a \(what): \(grouped(instructions.user)) user, \
                \(grouped(instructions.kernel)) kernel
                """
        }
        guard let memory else { return text }
        return text + """

              memory: \(mebibytes(memory.resident)) MiB resident, \
            \(mebibytes(memory.notShared)) private
            """
    }

    func add(to json: inout JSONLine) {
        json.add("server_cpu_ns", cpu)
        if let userShare, let user, let system {
            json.add("server_user_percent", userShare * 100)
            json.add("server_user_ns", user)
            json.add("server_system_ns", system)
        }
        if let memory {
            memory.add(to: &json)
        } else {
            json.add("server_resident_bytes", residentBytes)
        }
        if let instructions {
            json.add("user_instructions", instructions.user)
            json.add("kernel_instructions", instructions.kernel)
        }
    }
}

/// The memory of a server, in octets.
struct ServerMemory {
    var resident: Double
    /// With pages that other processes map too counted in proportion.
    var proportional: Double
    /// In pages that no other process maps.
    var notShared: Double

    init(_ memory: cload_memory) {
        resident = Double(memory.resident_bytes)
        proportional = Double(memory.proportional_bytes)
        notShared = Double(memory.private_bytes)
    }

    func add(to json: inout JSONLine) {
        json.add("server_resident_bytes", resident)
        json.add("server_proportional_bytes", proportional)
        json.add("server_private_bytes", notShared)
    }
}
