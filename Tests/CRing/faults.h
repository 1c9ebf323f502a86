// SPDX-License-Identifier: Apache-2.0
#ifndef FAULTS_H
#define FAULTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Calls of the C library and of liburing that fail on purpose, as they do on a kernel without
 * memory, in a sandbox, or on an older kernel. The linker leads them here: see the file `link`. */

struct io_uring_sqe;

enum { FOR_EVER = INT_MAX };

/* From now on `call`, made by this thread, succeeds `skipped` times, then fails `times` times with
 * `error` (an errno value). Several faults may be set, each once. */
void fail(const char *call, int skipped, int times, int error);

/* Lets every call succeed again. Returns how many have failed. */
int heal(void);

/* What this kernel is to lack, as one of some versions ago. All zero is the kernel as it is. */
struct older_kernel {
    uint32_t features; /* IORING_FEAT_* */
    int opcode;        /* IORING_OP_*; 0 for none */
    /* Makes of a receive what such a kernel would make of it. */
    void (*receive)(struct io_uring_sqe *entry);
};
extern struct older_kernel older_kernel;

/* The limit on descriptors that getrlimit reports is none at all. */
extern bool descriptors_are_unlimited;

/* Whether `recycle`, which gives `buffer` to `ring` back, ended the program. */
struct cring;
bool recycling_aborts(struct cring *ring, uint16_t buffer);

/* Holds writes of other threads than this one until this one yields its processor. */
void hold_writes(void);
/* Waits until one is held, at most `patience_ms`. */
bool write_is_held(int patience_ms);
/* Whether this thread has yielded since; nothing is held any more. */
bool release_writes(void);

#endif
