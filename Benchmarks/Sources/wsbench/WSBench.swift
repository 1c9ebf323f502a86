// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

@main struct WSBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wsbench",
        abstract: "Measures WebSocket servers, and the codec under them.",
        subcommands: [
            LoadCommand.self, CompareCommand.self, DeflateCommand.self, CodecCommand.self,
        ])
}
