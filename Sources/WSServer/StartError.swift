// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Why a server did not start: what the cause is, and what cures it.
public struct StartError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What failed.
    public enum Reason: Sendable, Hashable {
        /// The address cannot be listened on; with the errno.
        case listen(code: Int32, host: String, port: UInt16)
        /// The kernel interface cannot be used; with the errno, the step that failed, and whether
        /// the configuration demanded it.
        case backend(code: Int32, step: String, forced: Bool)
        /// A thread could not be started; with the errno.
        case thread(code: Int32)
        /// There was no memory.
        case outOfMemory
        /// One of the limits makes no sense; which, and why.
        case limits(String)
        /// The server was started before; each value serves once.
        case alreadyStarted
    }

    /// What failed.
    public let reason: Reason

    init(_ reason: Reason) { self.reason = reason }

    /// One line: the cause, then the cure.
    public var description: String {
        switch reason {
        case .listen(EADDRINUSE, let host, let port):
            "cannot listen on \(host):\(port): the port is taken; stop the program that has it, "
                + "or choose another port (0 picks a free one)"
        case .listen(EACCES, let host, let port):
            "cannot listen on \(host):\(port): not permitted; ports below 1024 need "
                + "CAP_NET_BIND_SERVICE: choose a higher port"
        case .listen(EADDRNOTAVAIL, let host, let port):
            "cannot listen on \(host):\(port): this machine has no such address; "
                + "use one of its own, 127.0.0.1, or 0.0.0.0 for all"
        case .listen(EINVAL, let host, let port):
            "cannot listen on \(host):\(port): not an address; give an IPv4 or IPv6 literal, "
                + "or localhost"
        case .listen(let code, let host, let port):
            "cannot listen on \(host):\(port): \(Self.text(code))"
        case .backend(let code, let step, let forced):
            "io_uring cannot be used: \(Self.cause(code, step))"
                + (forced ? "; or let the server choose epoll (backend auto)" : "")
        case .thread(let code):
            "cannot start a thread: \(Self.text(code)); raise the limit of processes (ulimit -u)"
        case .outOfMemory:
            "cannot start: out of memory"
        case .limits(let mistake):
            "cannot start: the limit \(mistake)"
        case .alreadyStarted:
            "cannot start: this server was started before; make a new one"
        }
    }

    /// Why the kernel refuses io_uring, and what to do about it.
    static func cause(_ code: Int32, _ step: String) -> String {
        switch code {
        case EPERM:
            "\(step) is not permitted (EPERM): allow the io_uring system calls in the container's "
                + "seccomp profile, or set the sysctl kernel.io_uring_disabled to 0"
        case ENOSYS:
            "\(step) is unknown to this kernel or sandbox (ENOSYS): run Linux 6.1 or later with "
                + "io_uring built in"
        case EINVAL, EOPNOTSUPP:
            "\(step) lacks what is needed (\(text(code))): run Linux 6.1 or later"
        case ENOMEM:
            "\(step) found no memory (ENOMEM): raise the memory or memlock limit (ulimit -l)"
        case EMFILE, ENFILE:
            "\(step) found no descriptor (\(text(code))): raise the limit of open files (ulimit -n)"
        default:
            "\(step) failed: \(text(code))"
        }
    }

    private static func text(_ code: Int32) -> String {
        // Safe because the text is copied before any other call could change it.
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
    }
}
