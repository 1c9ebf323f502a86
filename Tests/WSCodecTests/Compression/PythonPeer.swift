// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// permessage-deflate as somebody else does it: deflate_peer.py in a process of its own.
final class PythonPeer {
    enum Failure: Error { case noPython(Int32), ended(String) }

    private var process = pid_t()
    private let input: UnsafeMutablePointer<FILE>
    private let output: UnsafeMutablePointer<FILE>

    private static let folder = #filePath.split(
        separator: "/", omittingEmptySubsequences: false
    ).dropLast()

    /// The interpreter of the environment that script/bootstrap makes for the tests.
    private static let ownInterpreter =
        folder.dropLast(3).joined(separator: "/") + "/.build/venv/bin/python"

    private static let interpreter =
        access(ownInterpreter, X_OK) == 0 ? ownInterpreter : "python3"

    /// The kinds of peer there are without installing anything; in CI all must be.
    static var kinds: [String] {
        let hasAll = access(ownInterpreter, X_OK) == 0 || getenv("CI") != nil
        return hasAll ? ["zlib", "websockets"] : ["zlib"]
    }

    init() throws {
        let script = Self.folder.joined(separator: "/") + "/deflate_peer.py"
        var (toPeer, fromPeer): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&toPeer) == 0, pipe(&fromPeer) == 0 else { throw Failure.noPython(errno) }
        // Only what is given to it below shall reach the peer, nor any other process.
        for descriptor in toPeer + fromPeer { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toPeer[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromPeer[1], 1)
        let words: [UnsafeMutablePointer<CChar>?] = [strdup(Self.interpreter), strdup(script)]
        defer { for word in words { free(word) } }
        let result = posix_spawnp(&process, words[0]!, &actions, nil, words + [nil], environ)
        close(toPeer[0])
        close(fromPeer[1])
        input = fdopen(toPeer[1], "w")
        output = fdopen(fromPeer[0], "r")
        guard result == 0 else { throw Failure.noPython(result) }
    }

    deinit {
        // The end of its input is the end of it.
        fclose(input)
        fclose(output)
        if process > 0 { waitpid(process, nil, 0) }
    }

    private func ask(_ command: String) throws -> String {
        fputs(command + "\n", input)
        fflush(input)
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        guard getline(&line, &capacity, output) > 0, let line else {
            throw Failure.ended(String(command.prefix(60)))
        }
        return String(String(cString: line).dropLast())
    }

    /// Begins a connection: window bits and whether each message stands for itself, for what the
    /// peer receives and for what it sends.
    func open(
        _ kind: String, receiving: (bits: Int, resets: Bool), sending: (bits: Int, resets: Bool)
    ) throws {
        _ = try ask(
            "open \(kind) \(receiving.bits) \(sending.bits) \(receiving.resets ? 1 : 0) "
                + "\(sending.resets ? 1 : 0)")
    }

    func decode(_ payload: [UInt8]) throws -> [UInt8] { try octets("decode", payload) }

    func encode(_ message: [UInt8]) throws -> [UInt8] { try octets("encode", message) }

    private func octets(_ command: String, _ octets: [UInt8]) throws -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        let hex = octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        let answer = Array(try ask("\(command) " + String(decoding: hex, as: UTF8.self)).utf8)
        func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
        return stride(from: 0, to: answer.count - 1, by: 2).map {
            value(answer[$0]) << 4 | value(answer[$0 + 1])
        }
    }
}
