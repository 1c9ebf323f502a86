// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    import Glibc

    private let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#else
    import Musl

    private let descriptors = RLIMIT_NOFILE
#endif

/// How many files and sockets the process may have open at once.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one, from which the server derives its most connections.
    /// A program's own decision: a library has no business changing it. Stays as it is where the
    /// system refuses.
    static func raise() {
        var limit = rlimit()
        // Safe because the call fills the value and keeps no reference to it.
        guard unsafe getrlimit(descriptors, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // Safe because the call only reads the value.
        _ = unsafe setrlimit(descriptors, &limit)
    }
}

/// The processors of this machine.
enum Processors {
    /// Those switched on, at least 1 and at most 256.
    static var count: Int { max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 256)) }
}

/// What the program says.
enum Output {
    /// Prints a line to standard output at once, into pipes too.
    static func line(_ text: String) {
        print(text)
        fflush(nil)
    }

    /// Prints a line to standard error.
    static func error(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { octets in
            // Safe because the call only reads the octets, and keeps no reference to them.
            _ = unsafe write(STDERR_FILENO, octets.baseAddress, octets.count)
        }
    }
}

/// Ends of the process other than success.
enum Exit {
    /// Something could not be done.
    static func failure() -> Never { exit(1) }
    /// The command line is mistaken: EX_USAGE of sysexits.h, which not every C library has.
    static func usage() -> Never { exit(64) }
}
