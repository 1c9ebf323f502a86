// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WSServer

@Suite struct BlockPoolTests {
    private let pool = BlockPool()

    /// A block for so many octets: its address and its size.
    private func take(_ needed: Int) throws -> (address: UInt, capacity: Int) {
        let memory = unsafe try #require(unsafe pool.take(needed))
        // Written to at both ends, so that a sanitizer sees whether they are there.
        unsafe (memory.base[0], memory.base[memory.capacity - 1]) = (1, 1)
        return unsafe (UInt(bitPattern: memory.base), memory.capacity)
    }

    private func give(_ block: (address: UInt, capacity: Int)) throws {
        // Safe because the address is one that the pool gave.
        let base = unsafe try #require(UnsafeMutablePointer<UInt8>(bitPattern: block.address))
        unsafe pool.give(base, block.capacity)
    }

    @Test func `a small block serves again`() throws {
        let block = try take(10)
        #expect(block.capacity == BlockPool.blockSize)
        try give(block)
        let again = try take(BlockPool.blockSize)
        #expect(again == block)
        try give(again)
    }

    @Test func `the smallest large block that fits serves again`() throws {
        let blocks = try [300_000, 1_000_000, 2_000_000].map { try take($0) }
        for block in blocks.reversed() { try give(block) }
        let taken = try [900_000, 200_000, 1_500_000].map { try take($0) }
        #expect(taken.map(\.address) == [1, 0, 2].map { blocks[$0].address })
        let further = try take(200_000)
        #expect(!blocks.map(\.address).contains(further.address) && further.capacity >= 200_000)
        for block in taken + [further] { try give(block) }
    }

    @Test func `a few large blocks are kept`() throws {
        let small = try (0..<20).map { _ in try take(100_000) }
        for block in small { try give(block) }
        #expect(pool.largeCount == 8)
        pool.removeAll()
        #expect(pool.largeCount == 0)
        let large = try (0..<4).map { _ in try take(3_000_000) }
        for block in large { try give(block) }
        #expect(pool.largeCount == 2)
    }
}
