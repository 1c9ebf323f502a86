// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import WSServer

@Suite struct OnceReferenceTests {
    /// Counts the objects that are alive.
    private final class Counted: Sendable {
        static let alive = Atomic<Int>(0)
        init() { Self.alive.add(1, ordering: .relaxed) }
        deinit { Self.alive.subtract(1, ordering: .relaxed) }
    }

    private final class Holder: Sendable {
        let reference = OnceReference<Counted>()
    }

    @Test func `the first of many stays, and nothing leaks`() async {
        for _ in 0..<200 {
            let holder = Holder()
            #expect(holder.reference.load() == nil)
            let seen = await withTaskGroup(of: ObjectIdentifier.self) { group in
                for _ in 0..<8 {
                    group.addTask { ObjectIdentifier(holder.reference.storeIfNil(Counted())) }
                }
                return await group.reduce(into: Set<ObjectIdentifier>()) { $0.insert($1) }
            }
            #expect(seen == holder.reference.load().map { [ObjectIdentifier($0)] })
            #expect(Counted.alive.load(ordering: .relaxed) == 1)
        }
        #expect(Counted.alive.load(ordering: .relaxed) == 0)
    }
}
