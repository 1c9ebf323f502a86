// SPDX-License-Identifier: Apache-2.0

/// What sees a request before its route does, and may answer in its place.
enum BeforeMiddleware: Sendable {
    case synchronous(@Sendable (Request) throws -> Reply?)
    case asynchronous(@Sendable (Request) async throws -> Reply?)

    var isSynchronous: Bool {
        if case .synchronous = self { true } else { false }
    }
}

/// What sees a reply before it is sent, and may change it.
enum AfterMiddleware: Sendable {
    case synchronous(@Sendable (Request, inout Reply) throws -> Void)
    case asynchronous(@Sendable (Request, inout Reply) async throws -> Void)

    var isSynchronous: Bool {
        if case .synchronous = self { true } else { false }
    }
}
