// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// What answers the requests of one method and path.
final class Route: Sendable {
    /// A closure that answers. A synchronous one needs no task.
    enum Handler: Sendable {
        case synchronous(@Sendable (Request) throws -> Reply)
        case asynchronous(@Sendable (Request) async throws -> Reply)
    }

    let method: HTTPRequest.Method
    let pattern: PathPattern
    let handler: Handler

    init(method: HTTPRequest.Method, pattern: PathPattern, handler: Handler) {
        self.method = method
        self.pattern = pattern
        self.handler = handler
    }
}

/// What a router has for a method and path.
enum RouteMatch: Sendable {
    /// A route, and the values of its parameters by name.
    case matched(Route, parameters: [String: String])
    /// Nothing has this path.
    case notFound
    /// Routes have this path, but for other methods: these, as Allow lists them.
    case methodNotAllowed(allow: String)
    /// A route has this path, but a parameter is not percent-encoded UTF-8.
    case malformedParameter

    /// The values of the parameters by name; empty without a route.
    var parameters: [String: String] {
        if case .matched(_, let parameters) = self { parameters } else { [:] }
    }
}
