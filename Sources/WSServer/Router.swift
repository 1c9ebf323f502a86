// SPDX-License-Identifier: Apache-2.0
public import HTTPTypes

/// The routes of a server, and what runs before and after them.
///
/// Filled before the server starts, which takes a copy. A path is literal segments and parameters,
/// each a whole segment in braces: `/rooms/{room}`. Where several routes have a path, a literal
/// segment beats a parameter, from the left. A path without route gets 404, one with routes for
/// other methods only 405 with `Allow`. HEAD is served by the route for GET.
///
/// Literal segments stand as they are on the wire, percent-encoding and all, and are compared
/// octet for octet. The same method and path twice, or a path that is none, is a mistake of the
/// program and ends it.
///
/// Routes and middleware come in pairs of overloads. Of a closure without `await` the compiler takes
/// the synchronous one, which is called on the event loop's thread at once and needs no task: it
/// must be quick, for nothing else on that loop runs meanwhile.
public struct Router: Sendable {
    private(set) var routes: [Route] = []
    private(set) var beforeMiddleware: [BeforeMiddleware] = []
    private(set) var afterMiddleware: [AfterMiddleware] = []

    /// A router without routes.
    public init() {}

    private mutating func add(
        _ method: HTTPRequest.Method, _ path: String, _ handler: Route.Handler
    ) {
        let pattern: PathPattern
        do {
            pattern = try PathPattern(path)
        } catch {
            preconditionFailure(error.description)
        }
        let other = routes.first { $0.method == method && $0.pattern.isSamePath(as: pattern) }
        if let other {
            preconditionFailure(
                "route \"\(path)\": \(method.rawValue) has a route for this path already, "
                    + "\"\(other.pattern)\"")
        }
        routes.append(Route(method: method, pattern: pattern, handler: handler))
    }
}

// MARK: - Routes

extension Router {
    /// Answers `method` on `path`.
    public mutating func on(
        _ method: HTTPRequest.Method, _ path: String,
        _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(method, path, .synchronous(handler))
    }

    /// Answers `method` on `path`, in a task; if the reply is an upgrade, its conversation goes on
    /// in the same one.
    public mutating func on(
        _ method: HTTPRequest.Method, _ path: String,
        _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(method, path, .asynchronous(handler))
    }

    /// Answers GET and HEAD on `path`.
    public mutating func get(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(.get, path, .synchronous(handler))
    }

    /// Answers GET and HEAD on `path`, in a task.
    public mutating func get(
        _ path: String, _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(.get, path, .asynchronous(handler))
    }

    /// Answers POST on `path`.
    public mutating func post(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(.post, path, .synchronous(handler))
    }

    /// Answers POST on `path`, in a task.
    public mutating func post(
        _ path: String, _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(.post, path, .asynchronous(handler))
    }

    /// Answers PUT on `path`.
    public mutating func put(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(.put, path, .synchronous(handler))
    }

    /// Answers PUT on `path`, in a task.
    public mutating func put(
        _ path: String, _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(.put, path, .asynchronous(handler))
    }

    /// Answers PATCH on `path`.
    public mutating func patch(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(.patch, path, .synchronous(handler))
    }

    /// Answers PATCH on `path`, in a task.
    public mutating func patch(
        _ path: String, _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(.patch, path, .asynchronous(handler))
    }

    /// Answers DELETE on `path`.
    public mutating func delete(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Reply
    ) {
        add(.delete, path, .synchronous(handler))
    }

    /// Answers DELETE on `path`, in a task.
    public mutating func delete(
        _ path: String, _ handler: @escaping @Sendable (Request) async throws -> Reply
    ) {
        add(.delete, path, .asynchronous(handler))
    }
}

// MARK: - Middleware

extension Router {
    /// Runs before every route, and where there is none, in the order added. The first reply that is
    /// not nil is the answer, and neither the rest nor the route runs.
    public mutating func before(_ middleware: @escaping @Sendable (Request) throws -> Reply?) {
        beforeMiddleware.append(.synchronous(middleware))
    }

    /// Runs before every route, and where there is none, in the order added; every request then
    /// needs a task. The first reply that is not nil is the answer, and neither the rest nor the
    /// route runs.
    public mutating func before(
        _ middleware: @escaping @Sendable (Request) async throws -> Reply?
    ) {
        beforeMiddleware.append(.asynchronous(middleware))
    }

    /// Runs on every reply before it is sent, in the order added, whoever gave the reply: a route,
    /// middleware, or the server in place of one. Sees no accepted upgrade: the 101 is past
    /// changing. If it throws, the error's reply is sent without running the rest.
    public mutating func after(
        _ middleware: @escaping @Sendable (Request, inout Reply) throws -> Void
    ) {
        afterMiddleware.append(.synchronous(middleware))
    }

    /// Runs on every reply before it is sent, as the synchronous one does; every reply then needs a
    /// task.
    public mutating func after(
        _ middleware: @escaping @Sendable (Request, inout Reply) async throws -> Void
    ) {
        afterMiddleware.append(.asynchronous(middleware))
    }
}
