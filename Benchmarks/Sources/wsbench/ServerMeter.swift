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
                userShare: user + system > 0 ? user / (user + system) : 0,
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
}

/// What one message cost the server.
struct ServerCost {
    /// Nanoseconds of CPU, all threads, user and system.
    var cpu: Double
    /// The part of that in user mode, by the kernel's ticks: a sample, not a count.
    var userShare: Double
    var residentBytes: Double
    var instructions: (user: Double, kernel: Double)?
}
