// SPDX-License-Identifier: Apache-2.0
#ifndef CSIMULATOR_H
#define CSIMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The kernel -------------------------------------------------------------------------------
 *
 * Sockets, operations and time in memory, for one ring of CRing on one thread. Nothing happens by
 * itself: whoever simulates moves one operation after the other, plays the clients, and lets time
 * pass. The same seed and the same calls make the same run, to the octet.
 *
 * A ring opened with `sim_opening` stands on it. While that ring waits, the kernel calls the world
 * (`sim_set_world`), which moves things on until there is something for the ring to see. */

/// One simulated kernel. Opaque; one at a time on a thread.
typedef struct sim_kernel sim_kernel;

/// A kernel whose every choice follows from `seed`. NULL without memory.
sim_kernel *sim_kernel_new(uint64_t seed);

/// Frees it. Its ring has been freed before.
void sim_kernel_free(sim_kernel *kernel);

/// What to put into `cring_options.opening`.
uintptr_t sim_opening(sim_kernel *kernel);

/// Called while the ring waits, with the time at which it stops waiting (UINT64_MAX: never). Moves
/// things on and returns when the ring is to look, at the latest at `deadline`.
typedef void (*sim_world)(void *context, uint64_t deadline);
void sim_set_world(sim_kernel *kernel, sim_world world, void *context);

/// A number from 0 to `bound` - 1, from the seed. `bound` 0 counts as 1.
uint64_t sim_draw(sim_kernel *kernel, uint64_t bound);

/* ---- Time -------------------------------------------------------------------- */

/// Virtual nanoseconds. They begin at one second.
uint64_t sim_now(const sim_kernel *kernel);

/// Lets time pass until `time`; earlier times do nothing.
void sim_advance(sim_kernel *kernel, uint64_t time);

/// When the next delayed completion can be seen; UINT64_MAX when none is delayed.
uint64_t sim_next_completion(const sim_kernel *kernel);

/* ---- What happened ------------------------------------------------------------ */

/// The first rule that was broken, in words; NULL while none was.
const char *sim_violation(const sim_kernel *kernel);

/// Notes a rule as broken, if it is the first.
void sim_violate(sim_kernel *kernel, const char *text);

/// Takes a step of whoever simulates into the trace: what (static text), and three figures.
void sim_note(sim_kernel *kernel, const char *what, int64_t a, int64_t b, int64_t c);

/// A number over everything that happened: equal traces have equal ones.
uint64_t sim_trace_hash(const sim_kernel *kernel);

/// Prints each step on stdout as it happens.
void sim_print_trace(sim_kernel *kernel, bool prints);

/* ---- Faults -------------------------------------------------------------------- */

/// What may go wrong.
typedef enum {
    /// A receive takes fewer octets than there are.
    SIM_SHORT_RECEIVE,
    /// A send takes fewer octets than there is room for, perhaps none.
    SIM_SHORT_SEND,
    /// A completion is seen up to 20 ms late, and those of other operations before it.
    SIM_DELAY,
    /// A receive finds no buffer although some are free, with data there or none.
    SIM_NO_BUFFERS,
    /// A multishot operation ends without an error.
    SIM_MULTISHOT_END,
    /// A cancelled operation completes once more as it would have without.
    SIM_CANCEL_LATE,
    /// An operation fails with EINTR.
    SIM_INTERRUPTED,
    /// An operation fails with EAGAIN.
    SIM_AGAIN,
    /// The network resets a connection.
    SIM_RESET,
    /// The network loses a connection without a word to the client: ETIMEDOUT.
    SIM_TIMED_OUT,
    /// An operation fails with ENOMEM.
    SIM_NO_MEMORY,
    /// Accepting fails for a while: EMFILE, ENFILE, ENOMEM. Or once: ECONNABORTED.
    SIM_ACCEPT_FAILURE,
    /// Fewer operations are submitted than were queued.
    SIM_SHORT_SUBMIT,
    /// A wait ends with nothing to see.
    SIM_EMPTY_WAIT,
    /// The ring has no memory to queue an operation.
    SIM_QUEUE_REFUSAL,
    SIM_FAULT_COUNT,
} sim_fault;

/// A fault's name, such as "short receive".
const char *sim_fault_name(sim_fault fault);

/// Sets how often, of 1,000 times that it could, a fault happens.
void sim_set_rate(sim_kernel *kernel, sim_fault fault, unsigned permille);

/// How often a fault has happened.
uint64_t sim_fault_count(const sim_kernel *kernel, sim_fault fault);

/* ---- Operations ------------------------------------------------------------------ */

/// Operations that could complete now. `sim_move` takes their indices.
unsigned sim_ready(sim_kernel *kernel);

/// One of the operations that `sim_ready` counted completes, at least in part.
void sim_move(sim_kernel *kernel, unsigned index);

/// Something may go wrong with one operation, ready or not.
void sim_disturb(sim_kernel *kernel);

/// Whether the ring would see something if it looked now.
bool sim_has_news(sim_kernel *kernel);

/// Operations whose last completion the ring has not seen.
unsigned sim_owed(const sim_kernel *kernel);

/// Descriptors open, listeners included.
unsigned sim_descriptors(const sim_kernel *kernel);

/// Whether somebody listens.
bool sim_listens(const sim_kernel *kernel);

/* ---- Clients ----------------------------------------------------------------------
 *
 * The other ends of the connections. A client is a number, given from 0 on and never twice. */

/// Connects. `to_server` and `to_client` are how many octets may be under way in each direction;
/// `network` is where the client comes from. -ECONNREFUSED when nobody listens or nobody accepts.
int sim_connect(sim_kernel *kernel, size_t to_server, size_t to_client, uint32_t network);

/// How many octets a client could send now; 0 once the connection is broken.
size_t sim_client_room(const sim_kernel *kernel, int client);

/// Sends; returns how many octets were taken.
size_t sim_client_send(sim_kernel *kernel, int client, const uint8_t *octets, size_t count);

/// Whether a client that reads now gets something: octets, the end, or an error.
bool sim_client_has_news(const sim_kernel *kernel, int client);

/// Receives: how many octets, 0 at the end of the stream, -EAGAIN, or -ECONNRESET.
int64_t sim_client_receive(sim_kernel *kernel, int client, uint8_t *into, size_t count);

/// Sends the end of the stream, behind what was sent.
void sim_client_end(sim_kernel *kernel, int client);

/// Closes: a reset if octets were not read, else the end of the stream.
void sim_client_close(sim_kernel *kernel, int client);

/// Resets the connection.
void sim_client_reset(sim_kernel *kernel, int client);

/// What the kernel knows of a connection, for whoever judges what became of it.
typedef struct {
    /// An errno if the connection was hit by a fault that may end it, else 0.
    int32_t excuse;
    /// Whether the server has accepted it, and when.
    bool is_accepted;
    /// Whether the server has closed its descriptor.
    bool is_closed;
    /// Whether the server accepted it only to turn it away.
    bool is_turned_away;
    /// Whether the server reset it.
    bool is_reset_by_server;
    uint64_t accepted_at;
    /// When the server took octets last, and how many it has taken.
    uint64_t taken_at;
    uint64_t octets_taken;
    /// When the client read octets last.
    uint64_t read_at;
    /// When the server closed it.
    uint64_t closed_at;
} sim_connection;
sim_connection sim_connection_of(const sim_kernel *kernel, int client);

/* ---- Crashes ---------------------------------------------------------------------- */

/// Has the process say, should it crash, which seed it was at and how to see that again.
void sim_name_crashes(void);

/// The seed that runs.
void sim_set_seed(uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
