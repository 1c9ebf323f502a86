// SPDX-License-Identifier: Apache-2.0
import CFrame

extension [UInt8] {
    /// A copy of `octets`.
    init(copying octets: Span<UInt8>) {
        // Safe because the pointer is used only inside the closure.
        self = unsafe octets.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    /// A copy of `octets`.
    init(copying octets: RawSpan) {
        // Safe because the pointer is used only inside the closure.
        self = unsafe octets.withUnsafeBytes { unsafe [UInt8]($0) }
    }
}

extension Span<UInt8> {
    /// Whether the octets are UTF-8.
    var isUTF8: Bool {
        var tail: UInt32 = 0
        // Safe because C reads the octets of the buffer only.
        let result = unsafe withUnsafeBufferPointer {
            unsafe cframe_utf8($0.baseAddress, $0.count, &tail)
        }
        return result == 0 && tail == 0
    }
}

extension String {
    /// A copy of `octets`, which the C parser validated: the library's own validation would cost
    /// many times the copy.
    init(validated octets: Span<UInt8>) {
        // Safe because the octets are UTF-8.
        self = unsafe String(copying: UTF8Span(unchecked: octets))
    }

    /// A copy of `octets`, in which anything but UTF-8 is replaced by U+FFFD.
    init(validOrRepaired octets: Span<UInt8>) {
        if octets.isUTF8 {
            self.init(validated: octets)
        } else {
            self.init(decoding: [UInt8](copying: octets), as: UTF8.self)
        }
    }
}
