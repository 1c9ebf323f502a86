// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Synchronization
import Testing
import WSCodec

@testable import WSServer

@Suite("Middleware") struct MiddlewareTests {
    private struct Oops: Error {}

    private struct Denied: ReplyError {
        var reply: Reply { .text("denied", status: .forbidden) }
    }

    /// What ran, in its order.
    private final class Trace: Sendable {
        private let steps = Mutex<[String]>([])
        func add(_ step: String) { steps.withLock { $0.append(step) } }
        var all: [String] { steps.withLock { $0 } }
    }

    @Test(arguments: [false, true])
    func `runs before and after the route in the order added`(asynchronously: Bool) async throws {
        let trace = Trace()
        var router = Router()
        for name in ["b1", "b2"] {
            if asynchronously {
                router.before { _ in
                    await Task.yield()
                    trace.add(name)
                    return nil
                }
            } else {
                router.before { _ in
                    trace.add(name)
                    return nil
                }
            }
        }
        for name in ["a1", "a2"] {
            if asynchronously {
                router.after { _, reply in
                    await Task.yield()
                    trace.add(name)
                    reply.body += Array(name.utf8)
                }
            } else {
                router.after { _, reply in
                    trace.add(name)
                    reply.body += Array(name.utf8)
                }
            }
        }
        router.get("/{x}") { request in
            trace.add("route \(request.parameters["x"] ?? "")")
            return .text("-")
        }
        let responder = Responder(router)
        #expect(try await responder.respond("GET", "/7").text == "-a1a2")
        #expect(trace.all == ["b1", "b2", "route 7", "a1", "a2"])
        #expect(responder.finishesSynchronously == !asynchronously)
        if !asynchronously {
            #expect(try responder.respondSynchronously("GET", "/7").text == "-a1a2")
        }
    }

    @Test func `answers in the route's place with its first reply`() async throws {
        let trace = Trace()
        var router = Router()
        router.before { request in
            request.value(of: .authorization) == nil ? .reply(.unauthorized) : nil
        }
        router.before { _ in
            trace.add("second")
            return nil
        }
        router.after { _, reply in reply.headers[.vary] = "Authorization" }
        router.get("/") { _ in
            trace.add("route")
            return .reply(.ok)
        }
        let responder = Responder(router)
        // Where there is no route too, so that 404 gives nothing away.
        for target in ["/", "/nothing"] {
            for reply in [
                try await responder.respond("GET", target),
                try responder.respondSynchronously("GET", target),
            ] {
                #expect(reply.status == .unauthorized)
                #expect(reply.headers[.vary] == "Authorization")
            }
        }
        #expect(trace.all.isEmpty)
    }

    @Test(arguments: [("/", 200), ("/nothing", 404), ("/oops", 500), ("/denied", 403)])
    func `after the route sees every reply`(target: String, code: Int) async throws {
        var router = Router()
        router.get("/") { _ in .reply(.ok) }
        router.get("/oops") { _ in throw Oops() }
        router.get("/denied") { _ in throw Denied() }
        router.after { request, reply in
            reply.headers[.server] = "\(reply.status.code) \(request.path)"
        }
        let responder = Responder(router)
        let reply = try await responder.respond("GET", target)
        #expect(reply.status.code == code)
        #expect(reply.headers[.server] == "\(code) \(target)")
        #expect(
            try responder.respondSynchronously("GET", target).headers == reply.headers)
    }

    /// Wherever it is thrown, an error is a reply, and tells the client nothing.
    @Test(arguments: ["before", "route", "after"], [false, true])
    func `that throws gives the error's reply or 500`(place: String, asynchronously: Bool)
        async throws
    {
        for (error, code, body) in [
            (Oops(), 500, "Internal Server Error"), (Denied(), 403, "denied"),
        ] as [(any Error, Int, String)] {
            let trace = Trace()
            var router = Router()
            if asynchronously {
                router.before { _ in
                    await Task.yield()
                    if place == "before" { throw error }
                    return nil
                }
                router.get("/") { _ in
                    await Task.yield()
                    if place == "route" { throw error }
                    return .reply(.ok)
                }
                router.after { _, _ in
                    await Task.yield()
                    if place == "after" { throw error }
                }
            } else {
                router.before { _ in
                    if place == "before" { throw error }
                    return nil
                }
                router.get("/") { _ in
                    if place == "route" { throw error }
                    return .reply(.ok)
                }
                router.after { _, _ in
                    if place == "after" { throw error }
                }
            }
            let responder = Responder(router) { error, request in
                trace.add("\(request): \(type(of: error))")
            }
            let reply =
                asynchronously
                ? try await responder.respond("GET", "/")
                : try responder.respondSynchronously("GET", "/")
            #expect(reply.status.code == code)
            #expect(reply.text == body)
            #expect(trace.all == (code == 500 ? ["GET /: Oops"] : []))
        }
    }

    @Test func `after the route cannot upgrade`() async throws {
        var router = Router()
        router.get("/") { _ in .reply(.ok) }
        router.after { _, reply in reply = .upgrade { _ in } }
        let responder = Responder(router)
        for reply in [
            try await responder.respond("GET", "/"),
            try responder.respondSynchronously("GET", "/"),
        ] {
            #expect(reply.status == .internalServerError)
            #expect(!reply.isUpgrade)
        }
    }

    @Test func `before the route can upgrade, and the reply comes through untouched`() async throws
    {
        var router = Router()
        router.before { _ in
            .upgrade(
                subprotocol: "chat", headers: [.setCookie: "a=b"], options: .init(origin: .any)
            ) {
                _ in
            }
        }
        let responder = Responder(router)
        let reply = await responder.answer(try request(), .notFound)
        let upgrade = try #require(reply.upgrade)
        #expect(upgrade.subprotocol == "chat")
        #expect(upgrade.options.origin == .any)
        #expect(reply.headers == [.setCookie: "a=b"])
        #expect(reply.status == .switchingProtocols)
    }
}
