// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// A URL of the form ws://host:port/path.
struct URL: ExpressibleByArgument {
    let host: String
    let port: UInt16
    let path: String

    init?(argument: String) {
        guard argument.hasPrefix("ws://") else { return nil }
        let rest = argument.dropFirst(5)
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty,
            let port = parts.count == 2 ? UInt16(parts[1]) : 80
        else { return nil }
        let path = rest.dropFirst(authority.count)
        self.init(
            host: host == "localhost" ? "127.0.0.1" : String(host), port: port,
            path: path.isEmpty ? "/" : String(path))
    }

    init(host: String, port: UInt16, path: String) {
        self.host = host
        self.port = port
        self.path = path
    }
}
