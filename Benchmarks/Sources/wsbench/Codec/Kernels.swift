// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CFrame

/// One of the instruction sets that the codec's octet work is written for.
struct Kernel: Equatable, CustomStringConvertible, ExpressibleByArgument {
    let value: cframe_kernel

    private static let all = [
        CFRAME_KERNEL_PLAIN, CFRAME_KERNEL_SSE, CFRAME_KERNEL_AVX2, CFRAME_KERNEL_NEON,
    ].map { Kernel(value: $0) }

    /// Those that this machine has, the best one last.
    static var available: [Kernel] {
        all.filter { cframe_kernel_available($0.value) != 0 }
    }

    /// C without vectors, which every machine has.
    static let plain = Kernel(value: CFRAME_KERNEL_PLAIN)
    /// What the codec uses where nobody says otherwise.
    static let best = available.last ?? plain

    private init(value: cframe_kernel) { self.value = value }

    init?(argument: String) {
        guard let kernel = Self.available.first(where: { "\($0)" == argument }) else { return nil }
        self = kernel
    }

    static var allValueStrings: [String] { available.map { "\($0)" } }

    /// Makes the codec use it.
    func use() throws {
        guard cframe_kernel_use(value) == 0 else {
            throw Failure("this machine has no kernel \(self)")
        }
    }

    var description: String { String(cString: cframe_kernel_name(value)) }

    static func == (one: Kernel, other: Kernel) -> Bool { one.value == other.value }
}
