// SPDX-License-Identifier: Apache-2.0
import Testing
import WSServer
@testable import wsserve

@Suite("wsserve's options") struct OptionsTests {
    private func read(_ line: String) throws(Options.Mistake) -> Options {
        try Options(line.split(separator: " ").map(String.init))
    }

    @Test func `without any the defaults hold`() throws {
        let options = try read("")
        #expect(options.host == "127.0.0.1")
        #expect(options.port == 9001)
        #expect((1...256).contains(options.threads))
        #expect(options.handler == .async)
        #expect(options.backend == .auto)
        #expect(options.maxConnections == nil)
        #expect(options.maxMessageSize == 1 << 20)
        #expect(options.origin == .sameHost)
        #expect(options.compression == .off)
        #expect(!options.quiet && !options.help)
    }

    @Test func `each is taken, its value behind it or after an equals sign`() throws {
        for equals in [" ", "="] {
            let line = [
                "--host ::1", "--port 0", "--threads 256", "--handler callback",
                "--backend io_uring", "--max-connections 5", "--max-message-size 1", "--origin any",
                "--compression on", "--quiet",
            ].map { $0.replacing(" ", with: equals) }.joined(separator: " ")
            let options = try read(line)
            #expect(options.host == "::1")
            #expect(options.port == 0)
            #expect(options.threads == 256)
            #expect(options.handler == .callback)
            #expect(options.backend == .ioUring)
            #expect(options.maxConnections == 5)
            #expect(options.maxMessageSize == 1)
            #expect(options.origin == .any)
            #expect(options.compression == .on())
            #expect(options.quiet)
        }
    }

    @Test func `origins go up to the next option, and add up`() throws {
        let options = try read(
            "--origin https://a.example http://b.example:8080 --port 1 --origin https://c.example")
        #expect(
            options.origin
                == .list(["https://a.example", "http://b.example:8080", "https://c.example"]))
        #expect(options.port == 1)
    }

    @Test func `the last of several counts`() throws {
        #expect(try read("--port 1 --port=2").port == 2)
    }

    @Test(
        arguments: [
            ("off", .off), ("on", .on()),
            ("server_max_window_bits=15", .on(.init(serverMaxWindowBits: 15))),
            (
                "client_max_window_bits=9,level=9,mem_level=8,threshold=0",
                .on(.init(clientMaxWindowBits: 9, level: 9, memoryLevel: 8, thresholdBytes: 0))
            ),
            (
                "server_no_context_takeover,client_no_context_takeover",
                .on(.init(serverContextTakeover: false, clientContextTakeover: false))
            ),
        ] as [(String, Compression)])
    func `compression has its settings`(text: String, expected: Compression) throws {
        #expect(try read("--compression \(text)").compression == expected)
    }

    @Test(arguments: [
        ("--bogus", "unknown option --bogus"), ("-x", "unknown option -x"),
        ("--Port 1", "unknown option --Port"), ("stray", "unexpected argument stray"),
        ("--quiet stray", "unexpected argument stray"),
        ("--quiet=yes", "--quiet takes no value, but yes was given"),
        ("--port", "--port needs a value: a number from 0 to 65535"),
        ("--port --quiet", "--port needs a value: a number from 0 to 65535"),
        ("--port=", "--port needs a value: a number from 0 to 65535"),
        ("--port 65536", "--port takes a number from 0 to 65535, not 65536"),
        ("--port -1", "--port takes a number from 0 to 65535, not -1"),
        ("--port x --port 1", "--port takes a number from 0 to 65535, not x"),
        ("--threads 0", "--threads takes a number from 1 to 256, not 0"),
        ("--threads 257", "--threads takes a number from 1 to 256, not 257"),
        ("--max-connections 0", "--max-connections takes a number, at least 1, not 0"),
        ("--max-message-size 0", "--max-message-size takes a number of bytes, at least 1, not 0"),
        ("--handler both", "--handler takes async or callback, not both"),
        ("--backend kqueue", "--backend takes auto or io_uring or epoll, not kqueue"),
        (
            "--origin any https://a.example",
            "--origin takes any alone, same-host alone, or origins: scheme, host and port only, "
                + "as in https://example.com:8443, not any"
        ),
        (
            "--compression level=0",
            "--compression takes \(Compression.optionForms), not level=0"
        ),
        (
            "--compression server_max_window_bits=8",
            "--compression takes \(Compression.optionForms), not server_max_window_bits=8"
        ),
        ("--compression on,", "--compression takes \(Compression.optionForms), not on,"),
    ])
    func `a mistake is told with what would be right`(line: String, text: String) {
        #expect(throws: Options.Mistake(text)) { try read(line) }
    }

    @Test(arguments: ["--help", "-h", "--port 1 --help", "--help --port nonsense"])
    func `help goes before values`(line: String) throws {
        #expect(try read(line).help)
    }

    @Test func `the help fits a terminal and has every option`() {
        for option in Options.table { #expect(Help.text.contains("  \(option.name)")) }
        for line in Help.text.split(separator: "\n") { #expect(line.count <= 79, "\(line)") }
    }
}
