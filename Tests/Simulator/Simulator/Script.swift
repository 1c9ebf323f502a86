// SPDX-License-Identifier: Apache-2.0

/// What a client does, and what an honest server makes of it.
struct Script {
    /// Whose handler is asked for.
    enum Door: String, CaseIterable { case callback, task }

    /// What the handler does.
    enum Behaviour: Equatable {
        /// Sends every message back.
        case echoes
        /// Closes with this code when it has sent so many messages back.
        case closes(after: Int, code: UInt16)
        /// Throws when it has sent so many messages back; a callback handler closes with 1011.
        case fails(after: Int)
        /// Sends messages of its own as fast as it may, then echoes.
        case floods([Echo])
    }

    /// How the conversation ends when nothing gets in the way.
    enum End: Equatable {
        /// By the client's Close, which may have a code.
        case closeOfClient(UInt16?)
        /// By a Close of the server with this code.
        case closeOfServer(UInt16)
        /// Without a closing handshake; the server lets go of the connection all the same.
        case loss
        /// One way or the other.
        case any
        /// Before there is a conversation.
        case noHandshake
    }

    let door: Door
    var behaviour = Behaviour.echoes
    var deeds: [Deed] = []
    /// The data messages that the handler is to be handed, and of the pings those to be answered,
    /// as the obvious decoder understands what the deeds send.
    var messages: [Echo] = []
    var pings: [[UInt8]] = []
    var end = End.loss
    /// The code of the Close that the client sends, nil inside for none; nil for no Close.
    var ownClose: UInt16??
    /// Whether the client answers pings.
    var answersPings = true
    /// Whether the client answers a Close.
    var answersClose = true
    /// When it connects.
    var start: UInt64 = 0

    /// The messages that the client is sent.
    var answers: [Echo] {
        switch behaviour {
        case .echoes: messages
        case .closes(let count, _), .fails(let count): Array(messages.prefix(count))
        case .floods(let own): own + messages
        }
    }
}

/// A data message as an oracle compares it.
struct Echo: Equatable {
    var isText: Bool
    var octets: [UInt8]
}
