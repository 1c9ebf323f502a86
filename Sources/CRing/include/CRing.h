// SPDX-License-Identifier: Apache-2.0
#ifndef CRING_H
#define CRING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The ring ---------------------------------------------------------------------------------
 *
 * Raw completions for raw operations, over io_uring or made from epoll's readiness. A ring belongs
 * to the thread that opened it: every function that takes one is called there, `cring_wake`
 * excepted. What to do about a completion (re-arming, short sends, waiting for buffers, the life
 * of a connection) is decided above.
 *
 * An operation is queued by its function and starts in the next `cring_wait`, or sooner. It
 * completes as io_uring completes it on either backend: any number of completions with CRING_MORE,
 * then exactly one without (the terminal one). */

/// One ring: a kernel interface, its received buffers and its wake-up. Opaque; one per loop thread.
typedef struct cring cring;

/// Which kernel interface stands behind a ring.
typedef enum {
    /// io_uring where it is allowed and complete enough, else epoll.
    CRING_AUTO = 0,
    CRING_URING = 1,
    CRING_EPOLL = 2,
} cring_kind;

/// Why opening a ring, or the io_uring attempt of CRING_AUTO, failed.
typedef struct {
    /// An errno value; 0 when nothing failed.
    int error;
    /// The step that failed, such as "io_uring_setup"; static text, NULL when nothing failed.
    const char *step;
} cring_failure;

/// Bits of `cring_features`: what this ring uses of its kernel. Any of them may be masked.
enum {
    /// IORING_SETUP_SINGLE_ISSUER (Linux 6.0).
    CRING_FEATURE_SINGLE_ISSUER = 1 << 0,
    /// IORING_SETUP_DEFER_TASKRUN (6.1); only with SINGLE_ISSUER.
    CRING_FEATURE_DEFER_TASKRUN = 1 << 1,
    /// IORING_SETUP_COOP_TASKRUN (5.19); only without DEFER_TASKRUN.
    CRING_FEATURE_COOP_TASKRUN = 1 << 2,
    /// IORING_SETUP_TASKRUN_FLAG (5.19): polling with nothing to do costs no system call.
    CRING_FEATURE_TASKRUN_FLAG = 1 << 3,
    /// IORING_SETUP_SUBMIT_ALL (5.18).
    CRING_FEATURE_SUBMIT_ALL = 1 << 4,
    /// IOSQE_CQE_SKIP_SUCCESS (5.17) for what reports nothing.
    CRING_FEATURE_COMPLETION_SKIP = 1 << 5,
    /// IORING_ACCEPT_MULTISHOT (5.19); without it every accept is terminal.
    CRING_FEATURE_MULTISHOT_ACCEPT = 1 << 6,
    /// IORING_RECV_MULTISHOT (6.0); without it every receive is terminal.
    CRING_FEATURE_MULTISHOT_RECEIVE = 1 << 7,
    /// epoll_pwait2 (5.11); without it epoll rounds time-outs up to a millisecond.
    CRING_FEATURE_PRECISE_WAIT = 1 << 8,
};

/// How to open a ring. All zero is the default everywhere.
typedef struct cring_options cring_options;

/// Opens rings that stand on something else than the kernel: a simulated one, for tests.
typedef struct cring_opening cring_opening;
struct cring_opening {
    /// As `cring_open`, with every default filled in.
    int (*open)(const cring_opening *opening, cring **ring, const cring_options *options,
                cring_failure *failure);
};

struct cring_options {
    cring_kind kind;
    /// Entries of the submission queue; 0 means 1024. No limit on operations: more are kept aside.
    uint32_t submission_entries;
    /// Entries of the completion queue, rounded up to a power of two; 0 means 4096. Below
    /// `submission_entries` it lowers that too. Too few cost speed (overflows), never completions.
    uint32_t completion_entries;
    /// Received buffers, a power of two up to 32768; 0 means 64.
    uint32_t buffer_count;
    /// Octets in one received buffer, up to 1 GiB; 0 means 32768.
    uint32_t buffer_size;
    /// CRING_FEATURE_* bits not to use, as if the kernel were older.
    uint32_t features_masked;
    /// The address of a `cring_opening` to use instead of `kind`; 0 for the kernel. For tests.
    uintptr_t opening;
};

/// Opens a ring for the calling thread. `options` NULL means all defaults; `failure` may be NULL.
///
/// CRING_AUTO falls back to epoll when io_uring is refused or incomplete (EPERM, EACCES, ENOSYS,
/// EINVAL, EOPNOTSUPP): 0 is returned and `failure` still says why. Want of memory or descriptors
/// (ENOMEM, EMFILE, ENFILE) is an error, never hidden. Bad options give -EINVAL, step "options".
///
/// Returns 0, or -errno with `*ring` NULL and `failure` filled.
int cring_open(cring **ring, const cring_options *options, cring_failure *failure);

/// Cancels what is armed, waits (at most one second) until the kernel has let go of it, and frees
/// the ring. NULL is allowed.
///
/// Undelivered completions are dropped; descriptors accepted but not delivered are closed. The
/// memory of sends must live until this returns. A listener's port is free once its descriptor is
/// closed as well.
void cring_free(cring *ring);

/// The backend in use: CRING_URING or CRING_EPOLL.
cring_kind cring_kind_of(const cring *ring);

/// The CRING_FEATURE_* bits in use.
uint32_t cring_features(const cring *ring);

/// The name of one feature bit, such as "defer-taskrun"; NULL for an unknown bit.
const char *cring_feature_name(uint32_t bit);

/* ---- Completions ------------------------------------------------------------ */

/// Bits of `cring_completion.flags`.
enum {
    /// The operation stays armed and completes again.
    CRING_MORE = 1,
    /// `data` holds `result` received octets, to be given back with `cring_recycle(buffer)`.
    CRING_BUFFER = 2,
};

/// One event of one operation.
typedef struct {
    /// The token the operation was queued with.
    uint64_t token;
    /// The received octets with CRING_BUFFER, else NULL. Writable until given back.
    uint8_t *data;
    /// What the kernel's call returned: a count, a descriptor, or -errno.
    int32_t result;
    /// Names the buffer with CRING_BUFFER.
    uint16_t buffer;
    /// CRING_MORE, CRING_BUFFER.
    uint16_t flags;
} cring_completion;

/* ---- Operations -------------------------------------------------------------------------------
 *
 * Each returns 0, or -ENOMEM when it could not be queued (then nothing was). A token is any number
 * but 0 and the two largest, and tells apart all operations in flight; it is never a pointer.
 * Descriptors given to a ring are closed with `cring_close`. */

/// Accepts connections until an error: `result` is a descriptor (close-on-exec; non-blocking with
/// epoll), with CRING_MORE while it stays armed. Errors (-EMFILE, -ECONNABORTED) are terminal.
int cring_accept(cring *ring, int listener, uint64_t token);

/// Receives into the ring's buffers until something ends it. Terminal results: 0 is the end of the
/// stream, -ENOBUFS means no buffer was free (nothing is lost; queue it again once some are back),
/// -ECANCELED, another error. A completion with data may be terminal too.
int cring_receive(cring *ring, int fd, uint64_t token);

/// Sends up to `count` octets; one send at a time per descriptor. `result` is how many were taken,
/// perhaps fewer, or -errno; never SIGPIPE. `octets` must stay as they are until it completes.
int cring_send(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token);

/// Asks for the operation `target` on `fd` to end. Its own terminal completion follows (-ECANCELED,
/// or what it was about to report) or has come already; the cancelling itself reports nothing.
int cring_cancel(cring *ring, int fd, uint64_t target);

/// Shuts down `fd` (`how` as in shutdown(2)), after the sends queued before it. Reports nothing.
int cring_shutdown(cring *ring, int fd, int how);

/// Closes `fd`, all of whose operations have completed, after a shutdown queued before it. Reports
/// nothing.
int cring_close(cring *ring, int fd);

/// One turn: submits what is queued, waits for a completion or a wake at most `timeout_ns`
/// nanoseconds (negative: for ever; 0: not at all), and writes up to `capacity` completions.
///
/// Returns their count, which may be 0 (time-out, signal, wake, or only internal completions), or
/// -errno, which is fatal for the ring. `capacity` is at least 1. Completions that do not fit stay
/// for the next turn; a completion queue that overflowed is flushed, and nothing is lost.
int cring_wait(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity);

/// Gives the buffer of one completion back. Its octets must not be touched afterwards.
void cring_recycle(cring *ring, uint16_t buffer);

/// Buffers delivered and not yet given back. All are back when this is 0.
uint32_t cring_buffers_out(const cring *ring);

/// How often the completion queue was found overflowed since opening.
uint64_t cring_overflows(const cring *ring);

/// Makes the current or the next `cring_wait` return soon. From any thread and from signal handlers
/// while the ring lives; one system call. Wakes may merge.
void cring_wake(cring *ring);

/* ---- Clocks and randomness --------------------------------------------------------------------
 *
 * From what the ring stands on, as all that a loop may depend on: a simulated kernel gives its own.
 * Here and below, NULL for a ring stands for the kernel. */

/// CLOCK_MONOTONIC in nanoseconds.
uint64_t cring_now(cring *ring);

/// Seconds since 1970.
int64_t cring_calendar(cring *ring);

/// 64 random bits.
uint64_t cring_random(cring *ring);

/* ---- Sockets ----------------------------------------------------------------------------------
 *
 * Calls that return at once, made outside of the ring. Every descriptor is close-on-exec. Results
 * below 0 are -errno. */

/// Opens a listening TCP socket; accepted sockets inherit its TCP_NODELAY.
///
/// `host` is an IPv4 or IPv6 address or "localhost" (127.0.0.1); anything else gives -EINVAL, for
/// names are not looked up. `port` 0 lets the kernel choose; `bound_port` (or NULL) gets the port.
/// `share` 0 is for a process's first loop: it binds alone, so that a second server gets
/// -EADDRINUSE, and then opens the port to sharing (SO_REUSEPORT); `share` 1 is for the others.
int cring_listen(cring *ring, const char *host, uint16_t port, int backlog, int share,
                 uint16_t *bound_port);

/// Writes the peer's address as text ("127.0.0.1", "::1"; no port; IPv4-mapped ones as IPv4) with a
/// final NUL; 46 octets always suffice. Returns its length, "unix" for a local socket.
int cring_peer_address(cring *ring, int fd, char *out, size_t capacity);

/// What tells the peer's network from others: its IPv4 address, or the first 64 bits of its IPv6
/// address, as a number. 0 for a local socket, and when the kernel has forgotten it.
uint64_t cring_peer_network(cring *ring, int fd);

/// Makes closing `fd` reset the connection and drop what is unsent (SO_LINGER of zero). Returns 0.
int cring_reset_on_close(cring *ring, int fd);

/// Accepts one connection without waiting: a descriptor, or -EAGAIN when none is there. For
/// draining the backlog and for shedding connections at the descriptor limit.
int cring_accept_now(cring *ring, int listener);

/// A descriptor of nothing, to be closed when there is no other left: it makes room for accepting a
/// connection, if only to turn it away.
int cring_reserve(cring *ring);

/// Closes `fd` at once, although operations on it may be in flight: they go on until they are
/// cancelled or the ring is freed.
void cring_close_now(cring *ring, int fd);

/// Turns a fresh connection away: sends what the socket takes of `octets`, shuts down, takes what
/// has come so that closing is no reset that destroys the reply, and closes. Waits for nothing.
void cring_turn_away(cring *ring, int fd, const uint8_t *octets, size_t count);

/// The soft limit on descriptors (INT64_MAX: none), after raising it to the hard one if asked.
int64_t cring_descriptor_limit(int raise_to_hard);

/* ---- Threads ---------------------------------------------------------------- */

/// A plain mutex, for state shared between threads. Understood by ThreadSanitizer.
typedef struct cring_lock cring_lock;

/// A new lock, or NULL when there is no memory.
cring_lock *cring_lock_new(void);
/// Frees a lock nobody holds. NULL is allowed.
void cring_lock_free(cring_lock *lock);
/// Waits for the lock and takes it. Not recursive.
void cring_lock_acquire(cring_lock *lock);
/// Lets go of the lock, on the thread that took it.
void cring_lock_release(cring_lock *lock);

/// Starts a detached thread running `body(context)`, called `name` (its first 15 octets count).
/// Its signal mask is the caller's. Returns 0 or -errno.
int cring_thread_start(void (*body)(void *context), void *context, const char *name);

/* Asked several times a message, so without a call: the loader places it, even in a library. */
#define CRING_THREAD_WORD __attribute__((tls_model("initial-exec"), visibility("hidden")))
extern CRING_THREAD_WORD _Thread_local uintptr_t cring_word_of_thread;

/// Keeps one word for the calling thread; what it means is the caller's business.
static inline void cring_thread_word_set(uintptr_t word) { cring_word_of_thread = word; }
/// The calling thread's word; 0 before it is set.
static inline uintptr_t cring_thread_word(void) { return cring_word_of_thread; }

/// The Swift task running on this thread, as an opaque address to compare; NULL for none, and in
/// programs without the Swift concurrency runtime.
void *cring_current_task(void);

/* ---- Memory ----------------------------------------------------------------- */

/// Has glibc's allocator keep up to `octets` of freed memory (at most 1 GiB) at the end of each of
/// its heaps, and take blocks of up to a quarter of that from there. Nothing elsewhere.
void cring_keep_freed(size_t octets);

/* ---- Signals ---------------------------------------------------------------- */

/// Takes over SIGTERM and SIGINT for the process: each is counted and wakes `to_wake`.
/// Returns 0, or -EBUSY when they are taken already, or -errno.
int cring_signals_begin(cring *to_wake);

/// Signals taken since `cring_signals_begin`. Any thread.
int cring_signals_taken(void);

/// Restores the actions found by `cring_signals_begin` and waits for handlers that are running; the
/// ring is not touched afterwards. Call it before freeing that ring.
void cring_signals_end(void);

#ifdef __cplusplus
}
#endif

#endif
