// SPDX-License-Identifier: Apache-2.0
import CLoad
import Glibc

/// A server to be measured: runs on one core, ends with us.
final class ServerProcess {
    let echo: URL
    let meter: ServerMeter
    private let pid: pid_t

    /// Starts a command whose words stand between spaces. `{port}` in it becomes a free port.
    convenience init(command: String, core: Int) throws {
        var words = command.split(separator: " ").map(String.init)
        if words.contains(where: { $0.contains("{port}") }) {
            let port = cload_free_port()
            guard port > 0 else { throw Failure("there is no free port") }
            words = words.map { word in
                let parts = word.split(separator: "{port}", omittingEmptySubsequences: false)
                return parts.joined(separator: "\(port)")
            }
        }
        guard let program = words.first else { throw Failure("an empty command") }
        try self.init(program, Array(words.dropFirst()), core: core)
    }

    /// Starts `program` and waits until it says `listening on ws://HOST:PORT/`.
    init(_ program: String, _ arguments: [String], core: Int) throws {
        let words = ["taskset", "-c", "\(core)", program] + arguments
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure("pipe: error \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var argv = words.map { strdup($0) } + [nil]
        defer { for word in argv { free(word) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, "taskset", &actions, nil, &argv, environ)
        close(ends[1])
        guard error == 0 else { throw Failure("taskset does not start: error \(error)") }
        guard let url = Self.listening(ends[0]) else {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw Failure("\(program) does not say where it listens")
        }
        self.pid = pid
        echo = URL(host: url.host, port: url.port, path: "/echo")
        meter = ServerMeter(pid)
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    private static func listening(_ descriptor: CInt) -> URL? {
        var line: [UInt8] = []
        var octet: UInt8 = 0
        while line.count < 4096, read(descriptor, &octet, 1) == 1 {
            guard octet == UInt8(ascii: "\n") else {
                line.append(octet)
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            let start = "listening on "
            if text.hasPrefix(start) { return URL(argument: String(text.dropFirst(start.count))) }
            line = []
        }
        return nil
    }
}

/// What waits for the machine's cores, over the last minute.
func loadAverage() -> String {
    var average = 0.0
    return getloadavg(&average, 1) == 1 ? fixed(average, 2) : "unknown"
}

func printError(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
