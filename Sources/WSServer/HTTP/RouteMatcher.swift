// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

/// Finds the route of a method and path. Immutable, so all event loops share one.
///
/// A tree of segments. At each segment the literal is tried before the parameter, and the search
/// turns back where a branch leads nowhere, so `/a/b` and `/{x}/c` live side by side. Each node of
/// the tree is visited at most once: the cost is bounded by the routes there are, whatever is asked.
///
/// Literals are compared octet for octet: an encoded letter (`/%61dmin`) is not the letter, so that
/// middleware that looks at `Request.path` and the router never see two different paths.
final class RouteMatcher: Sendable {
    private struct Edge: Sendable {
        let literal: [UInt8]
        let node: Int
    }

    private struct Node: Sendable {
        var literals: [Edge] = []
        /// The node behind a parameter.
        var parameter: Int?
        /// The routes that end here, one for each method.
        var routes: [Route] = []
    }

    /// The tree; the root, which stands before the first segment, comes first.
    private let nodes: [Node]

    /// A matcher of routes of which no two have the same method and the same path.
    init(_ routes: [Route]) {
        var nodes = [Node()]
        for route in routes {
            var current = 0
            for segment in route.pattern.segments {
                current = Self.child(of: current, for: segment, in: &nodes)
            }
            nodes[current].routes.append(route)
        }
        self.nodes = nodes
    }

    private static func child(
        of node: Int, for segment: PathPattern.Segment, in nodes: inout [Node]
    ) -> Int {
        switch segment {
        case .literal(let octets):
            if let edge = nodes[node].literals.first(where: { $0.literal == octets }) {
                return edge.node
            }
            nodes.append(Node())
            nodes[node].literals.append(Edge(literal: octets, node: nodes.count - 1))
        case .parameter:
            if let parameter = nodes[node].parameter { return parameter }
            nodes.append(Node())
            nodes[node].parameter = nodes.count - 1
        }
        return nodes.count - 1
    }

    /// The route for `method` and the raw `path`, which stands without its query.
    func match(_ method: HTTPRequest.Method, _ path: String) -> RouteMatch {
        let octets = path.utf8Span.span
        guard octets.count > 0, octets[0] == UInt8(ascii: "/") else { return .notFound }
        var search = Search(method: method)
        guard let route = find(&search, at: 0, segmentStart: 1, in: octets) else {
            return search.passedOver.isEmpty
                ? .notFound : .methodNotAllowed(allow: Self.allow(search.passedOver))
        }
        var parameters: [String: String] = [:]
        for (name, range) in zip(route.pattern.names, search.captured) {
            guard let value = PercentDecoding.text(octets, in: range) else {
                return .malformedParameter
            }
            parameters[name] = value
        }
        return .matched(route, parameters: parameters)
    }

    private struct Search {
        let method: HTTPRequest.Method
        /// Where the values of the parameters up to here lie.
        var captured: [Range<Int>] = []
        /// Routes that have the path, but another method.
        var passedOver: [Route] = []
    }

    private func find(
        _ search: inout Search, at node: Int, segmentStart start: Int, in path: Span<UInt8>
    ) -> Route? {
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        if let literal = nodes[node].literals.first(where: { Self.equals($0, start..<end, path) }),
            let route = go(&search, to: literal.node, behind: end, in: path)
        {
            return route
        }
        guard let parameter = nodes[node].parameter, start < end else { return nil }
        search.captured.append(start..<end)
        if let route = go(&search, to: parameter, behind: end, in: path) { return route }
        search.captured.removeLast()
        return nil
    }

    private func go(
        _ search: inout Search, to node: Int, behind end: Int, in path: Span<UInt8>
    ) -> Route? {
        guard end == path.count else {
            return find(&search, at: node, segmentStart: end + 1, in: path)
        }
        let routes = nodes[node].routes
        if let route = routes.first(where: { $0.method == search.method }) { return route }
        // HEAD is GET without the body (RFC 9110 section 9.3.2).
        if search.method == .head, let route = routes.first(where: { $0.method == .get }) {
            return route
        }
        search.passedOver.append(contentsOf: routes)
        return nil
    }

    private static func equals(_ edge: Edge, _ range: Range<Int>, _ path: Span<UInt8>) -> Bool {
        guard edge.literal.count == range.count else { return false }
        for index in edge.literal.indices
        where edge.literal[index] != path[range.lowerBound + index] {
            return false
        }
        return true
    }

    /// The methods of `routes`, each once, HEAD where there is GET.
    private static func allow(_ routes: [Route]) -> String {
        var methods: [String] = []
        for method in routes.flatMap({ $0.method == .get ? [.get, .head] : [$0.method] })
        where !methods.contains(method.rawValue) {
            methods.append(method.rawValue)
        }
        return methods.joined(separator: ", ")
    }
}
