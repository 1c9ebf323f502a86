// SPDX-License-Identifier: Apache-2.0

/// What `--help` prints.
enum Help {
    static let text = """
        Usage: wsserve [OPTION [VALUE]]...

        A WebSocket echo server on io_uring, with a web page to try it at /.

        Prints one line, listening on ws://HOST:PORT/, as soon as clients can connect.
        SIGTERM or SIGINT closes all connections with 1001, in at most eight seconds,
        and ends it.

        Routes:
          /             the page
          /echo         sends every message back
          /health       replies ok
          /subprotocol  as /echo, and speaks chat.v2 and chat.v1
          /secret       as /echo, and wants Authorization: Bearer sesame

        Options (--port 80 and --port=80 are the same):
        \(Options.table.map(rows).joined(separator: "\n"))
        """

    private static let indentation = 6

    private static func synopsis(_ option: Option) -> String {
        let names = option.names.joined(separator: ", ")
        return "  " + (option.placeholder.isEmpty ? names : "\(names) \(option.placeholder)")
    }

    /// The option, and its text below it.
    private static func rows(_ option: Option) -> String {
        let lines = option.help.split(separator: "\n").map {
            String(repeating: " ", count: indentation) + $0
        }
        return ([synopsis(option)] + lines).joined(separator: "\n")
    }
}
