// SPDX-License-Identifier: Apache-2.0

/// A router made ready to serve: finds the route of a request and runs what answers it.
///
/// Theory: a request passes through three calls. `match` needs only the head, so that a body is not
/// read for nothing. `answer` runs the middleware before, then the route; it never throws, an error
/// is a reply too. The connection then judges an upgrade, and gives every reply but the 101 to
/// `finish`, which runs the middleware after. Both have a synchronous twin, for requests whose whole
/// way is synchronous: those need no task. `answersSynchronously` and `finishesSynchronously` say
/// which.
final class Responder: Sendable {
    private let matcher: RouteMatcher
    private let before: [BeforeMiddleware]
    private let after: [AfterMiddleware]
    private let beforeIsSynchronous: Bool
    private let report: @Sendable (any Error, Request) -> Void

    /// Whether `finishSynchronously` will do.
    let finishesSynchronously: Bool

    /// - Parameters:
    ///   - report: Told of every error that becomes a bare 500.
    init(_ router: Router, report: @escaping @Sendable (any Error, Request) -> Void = { _, _ in }) {
        matcher = RouteMatcher(router.routes)
        before = router.beforeMiddleware
        after = router.afterMiddleware
        beforeIsSynchronous = before.allSatisfy(\.isSynchronous)
        finishesSynchronously = after.allSatisfy(\.isSynchronous)
        self.report = report
    }

    /// What there is for a request, by its head alone.
    func match(_ head: RequestHead) -> RouteMatch {
        matcher.match(head.method, head.path)
    }

    /// Whether `answerSynchronously` will do for this match.
    func answersSynchronously(_ match: RouteMatch) -> Bool {
        guard beforeIsSynchronous else { return false }
        if case .matched(let route, _) = match, case .asynchronous = route.handler { return false }
        return true
    }

    // MARK: Answering

    /// The reply of the middleware before, else of the route, else 404, 405 or 400. `request` has
    /// the parameters of `match`.
    func answer(_ request: Request, _ match: RouteMatch) async -> Reply {
        do {
            for middleware in before {
                let reply =
                    switch middleware {
                    case .synchronous(let closure): try closure(request)
                    case .asynchronous(let closure): try await closure(request)
                    }
                if let reply { return reply }
            }
            guard case .matched(let route, _) = match else { return Self.reply(noRoute: match) }
            return switch route.handler {
            case .synchronous(let closure): try closure(request)
            case .asynchronous(let closure): try await closure(request)
            }
        } catch {
            return reply(for: error, request)
        }
    }

    /// As `answer`, where all on the way is synchronous.
    func answerSynchronously(_ request: Request, _ match: RouteMatch) -> Reply {
        do {
            for case .synchronous(let closure) in before {
                if let reply = try closure(request) { return reply }
            }
            guard case .matched(let route, _) = match else { return Self.reply(noRoute: match) }
            guard case .synchronous(let closure) = route.handler, beforeIsSynchronous else {
                preconditionFailure("\(request) needs a task to be answered")
            }
            return try closure(request)
        } catch {
            return reply(for: error, request)
        }
    }

    // MARK: Finishing

    /// The reply as the middleware after leaves it. For every reply but the 101.
    func finish(_ reply: Reply, for request: Request) async -> Reply {
        var finished = reply
        do {
            for middleware in after {
                switch middleware {
                case .synchronous(let closure): try closure(request, &finished)
                case .asynchronous(let closure): try await closure(request, &finished)
                }
            }
        } catch {
            return self.reply(for: error, request).withoutUpgrade
        }
        return finished.withoutUpgrade
    }

    /// As `finish`, where all middleware after is synchronous.
    func finishSynchronously(_ reply: Reply, for request: Request) -> Reply {
        precondition(finishesSynchronously, "the reply to \(request) needs a task to be finished")
        var finished = reply
        do {
            for case .synchronous(let closure) in after {
                try closure(request, &finished)
            }
        } catch {
            return self.reply(for: error, request).withoutUpgrade
        }
        return finished.withoutUpgrade
    }

    private static func reply(noRoute match: RouteMatch) -> Reply {
        switch match {
        case .matched, .notFound: .plain(.notFound)
        case .methodNotAllowed(let allow): .methodNotAllowed(allow: allow)
        case .malformedParameter: .plain(.badRequest)
        }
    }

    private func reply(for error: any Error, _ request: Request) -> Reply {
        if let error = error as? any ReplyError { return error.reply }
        report(error, request)
        return .plain(.internalServerError)
    }
}

extension Reply {
    /// The reply, or 500 in place of an upgrade: past the judging of handshakes there are none.
    fileprivate var withoutUpgrade: Reply {
        isUpgrade ? .plain(.internalServerError) : self
    }
}
