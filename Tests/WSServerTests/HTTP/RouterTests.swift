// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Testing
import WSCodec

@testable import WSServer

@Suite("A router") struct RouterTests {
    /// Routes that answer with the pattern they were registered for and their parameters.
    static func router() -> Router {
        var router = Router()
        let routes: [(HTTPRequest.Method, String)] = [
            (.get, "/"), (.get, "/health"), (.post, "/health"),
            (.get, "/rooms"), (.get, "/rooms/"), (.get, "/rooms/{room}"), (.get, "/rooms/new"),
            (.put, "/rooms/{id}"), (.delete, "/rooms/{room}/users/{user}"),
            (.get, "/a/b"), (.get, "/{x}/c"), (.post, "/{x}/b"), (.get, "/a/{y}/d"),
            (.options, "/open"), (.head, "/head"), (.get, "/%7Ehome"),
        ]
        for (method, path) in routes {
            router.on(method, path) { request in
                let parameters = request.parameters.sorted { $0.key < $1.key }
                return .text(
                    "\(method.rawValue) \(path)"
                        + parameters.map { " \($0.key)=\($0.value)" }.joined())
            }
        }
        return router
    }

    static let responder = Responder(router())

    @Test(
        "finds the route",
        arguments: [
            ("GET", "/", "GET /"),
            ("GET", "/?a/b", "GET /"),
            ("GET", "http://a", "GET /"),
            ("GET", "http://a/health", "GET /health"),
            ("GET", "/health?x=1", "GET /health"),
            ("POST", "/health", "POST /health"),
            ("HEAD", "/health", "GET /health"),
            ("HEAD", "/head", "HEAD /head"),
            ("OPTIONS", "/open", "OPTIONS /open"),
            // A slash at the end makes another path.
            ("GET", "/rooms", "GET /rooms"),
            ("GET", "/rooms/", "GET /rooms/"),
            ("GET", "/rooms/7", "GET /rooms/{room} room=7"),
            // A literal beats a parameter, but only for a method it has.
            ("GET", "/rooms/new", "GET /rooms/new"),
            ("PUT", "/rooms/new", "PUT /rooms/{id} id=new"),
            ("PUT", "/rooms/9", "PUT /rooms/{id} id=9"),
            ("DELETE", "/rooms/r/users/u", "DELETE /rooms/{room}/users/{user} room=r user=u"),
            // Turning back where a literal leads nowhere.
            ("GET", "/a/b", "GET /a/b"),
            ("GET", "/a/c", "GET /{x}/c x=a"),
            ("POST", "/a/b", "POST /{x}/b x=a"),
            ("GET", "/a/b/d", "GET /a/{y}/d y=b"),
            // Parameters are percent-decoded, once; literals are taken as they stand.
            ("GET", "/rooms/a%20b%2Fc%2525", "GET /rooms/{room} room=a b/c%25"),
            ("GET", "/rooms/%C3%A9", "GET /rooms/{room} room=\u{E9}"),
            ("GET", "/rooms/a+b", "GET /rooms/{room} room=a+b"),
            ("GET", "/rooms/%6eew", "GET /rooms/{room} room=new"),
            ("GET", "/%7Ehome", "GET /%7Ehome"),
        ])
    func finds(method: String, target: String, answer: String) async throws {
        let reply = try await Self.responder.respond(method, target)
        #expect(reply.status == .ok)
        #expect(reply.text == answer)
        #expect(try Self.responder.respondSynchronously(method, target).text == answer)
    }

    @Test(
        "answers 404 where no route has the path",
        arguments: [
            ("GET", "/nothing"), ("GET", "/health/"), ("GET", "//"), ("GET", "/rooms//users/u"),
            ("GET", "/rooms/7/"), ("GET", "/HEALTH"), ("GET", "/%68ealth"), ("GET", "/~home"),
            ("OPTIONS", "*"), ("DELETE", "/rooms//users/u"), ("GET", "/a"), ("GET", "/{x}"),
        ])
    func answers404(method: String, target: String) async throws {
        let reply = try await Self.responder.respond(method, target)
        #expect(reply.status == .notFound)
        #expect(reply.text == "Not Found")
        #expect(reply.headers[.contentType] == "text/plain; charset=utf-8")
    }

    @Test(
        "answers 405 with all methods of the path",
        arguments: [
            ("DELETE", "/health", "GET, HEAD, POST"), ("OPTIONS", "/health", "GET, HEAD, POST"),
            ("get", "/health", "GET, HEAD, POST"), ("GET", "/open", "OPTIONS"),
            ("GET", "/head", "HEAD"), ("POST", "/rooms/new", "GET, HEAD, PUT"),
            ("POST", "/rooms/7", "GET, HEAD, PUT"), ("PUT", "/a/b", "GET, HEAD, POST"),
            ("BREW", "/", "GET, HEAD"),
        ])
    func answers405(method: String, target: String, allow: String) async throws {
        let reply = try await Self.responder.respond(method, target)
        #expect(reply.status == .methodNotAllowed)
        #expect(reply.headers[.allow] == allow)
    }

    @Test(
        "answers 400 to a parameter that is not percent-encoded UTF-8",
        arguments: [
            "/rooms/%", "/rooms/%2", "/rooms/%2g", "/rooms/%G0", "/rooms/a%", "/rooms/%FF",
            "/rooms/%C3", "/rooms/%ED%A0%80", "/rooms/%C0%AF",
        ])
    func answers400(target: String) async throws {
        #expect(try await Self.responder.respond("GET", target).status == .badRequest)
    }

    @Test func `needs a task only where something on the way is asynchronous`() throws {
        var router = Router()
        router.get("/now") { _ in .text("now") }
        router.get("/later") { _ in
            await Task.yield()
            return .text("later")
        }
        func isSynchronous(_ router: Router, _ target: String) throws -> Bool {
            let responder = Responder(router)
            return responder.answersSynchronously(
                responder.match(try head("GET \(target) HTTP/1.1\nHost: a")))
        }
        #expect(try isSynchronous(router, "/now"))
        #expect(try !isSynchronous(router, "/later"))
        #expect(try isSynchronous(router, "/nothing"))
        #expect(Responder(router).finishesSynchronously)

        router.before { _ in nil }
        router.after { _, reply in reply.headers[.vary] = "Origin" }
        #expect(try isSynchronous(router, "/now"))
        #expect(Responder(router).finishesSynchronously)

        router.after { _, _ in await Task.yield() }
        #expect(try isSynchronous(router, "/now"))
        #expect(!Responder(router).finishesSynchronously)

        router.before { _ in
            await Task.yield()
            return nil
        }
        #expect(try !isSynchronous(router, "/now"))
        #expect(try !isSynchronous(router, "/nothing"))
    }

    /// Which overload the compiler takes must not hang on how a route is written down.
    @Test func `takes a closure without await as synchronous, however it is written`() async throws
    {
        @Sendable func named(_ request: Request) throws -> Reply { .text("named") }
        @Sendable func namedLater(_ request: Request) async throws -> Reply { .text("later") }
        struct Refused: Error {}

        var router = Router()
        router.get("/1") { _ in .text("one expression") }
        router.get("/2") { request in
            guard request.isHandshake else { return .reply(.badRequest) }
            return .upgrade { _ in await Task.yield() }
        }
        router.get("/5") { _ in .upgrade { _ in await Task.yield() } }
        router.get("/3") { _ in throw Refused() }
        router.get("/4", named)
        router.post("/1") { (request: Request) in Reply.text(request.path) }
        router.put("/1") { _ in .upgrade { _ in } }
        router.patch("/1") { _ in .reply(.noContent) }
        router.delete("/1") { _ in .reply(.noContent) }
        router.on(.options, "/1") { _ in .reply(.noContent) }
        for route in router.routes {
            if case .asynchronous = route.handler {
                Issue.record("\(route.method) \(route.pattern) is asynchronous")
            }
        }

        var later = Router()
        later.get("/1") { _ in
            try await Task.sleep(for: .zero)
            return .text("slept")
        }
        later.get("/2", namedLater)
        later.post("/1") { request in try await namedLater(request) }
        later.put("/1") { request in try await namedLater(request) }
        later.patch("/1") { request in try await namedLater(request) }
        later.delete("/1") { request in try await namedLater(request) }
        later.on(.options, "/1") { request in try await namedLater(request) }
        for route in later.routes {
            if case .synchronous = route.handler {
                Issue.record("\(route.method) \(route.pattern) is synchronous")
            }
        }
        let responder = Responder(later)
        #expect(try await responder.respond("GET", "/1").text == "slept")
        #expect(try await responder.respond("GET", "/2").text == "later")
    }

    @Test func `refuses the same method and path twice, and says which`() async throws {
        let exit = try await #require(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var router = Router()
            router.get("/rooms/{room}") { _ in .reply(.ok) }
            router.get("/rooms/{id}") { _ in .reply(.ok) }
        }
        #expect(
            String(decoding: exit.standardErrorContent, as: UTF8.self).contains(
                #"route "/rooms/{id}": GET has a route for this path already, "/rooms/{room}""#))
    }

    @Test func `refuses a path that is none, and says why`() async throws {
        let exit = try await #require(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            var router = Router()
            router.get("rooms") { _ in .reply(.ok) }
        }
        #expect(
            String(decoding: exit.standardErrorContent, as: UTF8.self).contains(
                #"route "rooms": a path begins with a slash"#))
    }

    @Test func `takes routes into its copy only`() throws {
        var router = Router()
        router.get("/1") { _ in .reply(.ok) }
        let responder = Responder(router)
        router.get("/2") { _ in .reply(.ok) }
        #expect(try responder.respondSynchronously("GET", "/2").status == .notFound)
    }
}

extension Responder {
    /// The whole way of a request, as a connection goes it for a reply that is no accepted upgrade.
    func respond(_ method: String, _ target: String) async throws -> Reply {
        let head = try head("\(method) \(target) HTTP/1.1\nHost: a")
        let match = match(head)
        let request = Request(
            head: head, parameters: match.parameters, remoteAddress: "127.0.0.1")
        return await finish(answer(request, match), for: request)
    }

    /// The same, without a task.
    func respondSynchronously(_ method: String, _ target: String) throws -> Reply {
        let head = try head("\(method) \(target) HTTP/1.1\nHost: a")
        let match = match(head)
        let request = Request(
            head: head, parameters: match.parameters, remoteAddress: "127.0.0.1")
        return finishSynchronously(answerSynchronously(request, match), for: request)
    }
}
