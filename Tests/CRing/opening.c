// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Makes system call `number` fail with `error` in this process, as container sandboxes do. */
static bool
forbid(long number, int error)
{
    struct sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}, /* the number is the first word */
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (uint32_t)error},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog filter = {.len = 4, .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

struct refusal {
    long call;
    int error;
    cring_kind asked;
    int result;         /* of cring_open */
    const char *prefix; /* of the step */
};

/* Runs in a child, which exits with 0 if all is as expected. */
static int
is_refused_so(const struct refusal *refusal)
{
    if (!forbid(refusal->call, refusal->error))
        return 0; /* a sandbox that forbids sandboxes: nothing to be seen */
    cring *ring;
    cring_failure failure;
    cring_options options = {.kind = refusal->asked};
    int result = cring_open(&ring, &options, &failure);
    bool is_right = result == refusal->result && failure.error == refusal->error
                    && failure.step != NULL
                    && strncmp(failure.step, refusal->prefix, strlen(refusal->prefix)) == 0;
    if (!is_right)
        fprintf(stderr, "%d, %d, %s\n", result, failure.error, failure.step);
    if (result == 0)
        is_right = is_right && cring_kind_of(ring) == CRING_EPOLL;
    else
        is_right = is_right && ring == NULL;
    cring_free(ring);
    return !is_right;
}

static void
refusals(void)
{
    static const struct refusal all[] = {
        {SYS_io_uring_setup, EPERM, CRING_AUTO, 0, "io_uring_setup"},
        {SYS_io_uring_setup, ENOSYS, CRING_AUTO, 0, "io_uring_setup"},
        {SYS_io_uring_setup, EINVAL, CRING_AUTO, 0, "io_uring_setup"},
        {SYS_io_uring_register, EPERM, CRING_AUTO, 0, "io_uring_register"},
        {SYS_io_uring_enter, EPERM, CRING_AUTO, 0, "io_uring_enter"},
        {SYS_io_uring_enter, ENOSYS, CRING_AUTO, 0, "io_uring_enter"},
        {SYS_io_uring_setup, EPERM, CRING_URING, -EPERM, "io_uring_setup"},
        {SYS_io_uring_enter, EPERM, CRING_URING, -EPERM, "io_uring_enter"},
        /* Want of resources is not a reason to go another way. */
        {SYS_io_uring_setup, ENOMEM, CRING_AUTO, -ENOMEM, "io_uring_setup"},
        {SYS_io_uring_setup, EMFILE, CRING_AUTO, -EMFILE, "io_uring_setup"},
        {SYS_eventfd2, EMFILE, CRING_AUTO, -EMFILE, "eventfd"},
        {SYS_eventfd2, ENFILE, CRING_EPOLL, -ENFILE, "eventfd"},
        {SYS_epoll_create1, EMFILE, CRING_EPOLL, -EMFILE, "epoll_create1"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            _exit(is_refused_so(&all[i]));
        int status = -1;
        waitpid(child, &status, 0);
        CHECK_EQUAL(status, 0);
    }
}

/* epoll_pwait2 is newer than many sandboxes, which answer EPERM: then milliseconds do. */
static void
old_sandbox(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cring *ring = NULL;
        cring_completion out;
        cring_options options = {.kind = CRING_EPOLL};
        bool is_right = forbid(SYS_epoll_pwait2, EPERM) && cring_open(&ring, &options, NULL) == 0
                        && !(cring_features(ring) & CRING_FEATURE_PRECISE_WAIT)
                        && cring_wait(ring, 1500000, &out, 1) == 0;
        cring_free(ring);
        _exit(!is_right);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
}

static void
options(void)
{
    static const cring_options bad[] = {
        {.buffer_count = 3},         {.buffer_count = 65536}, {.buffer_size = 1u << 31},
        {.kind = (cring_kind)3},
    };
    cring *ring;
    cring_failure failure;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQUAL(cring_open(&ring, &bad[i], &failure), -EINVAL);
        CHECK(ring == NULL && failure.error == EINVAL && strcmp(failure.step, "options") == 0);
    }
    CHECK_EQUAL(cring_open(&ring, NULL, NULL), 0);
    CHECK(cring_kind_of(ring) == CRING_URING || cring_kind_of(ring) == CRING_EPOLL);
    cring_free(ring);
    uint32_t masked = CRING_FEATURE_DEFER_TASKRUN | CRING_FEATURE_COMPLETION_SKIP
                      | CRING_FEATURE_MULTISHOT_RECEIVE;
    cring_options options = {.kind = CRING_URING, .features_masked = masked};
    if (cring_open(&ring, &options, &failure) == 0) {
        CHECK_EQUAL(cring_features(ring) & masked, 0);
        CHECK(cring_features(ring) & CRING_FEATURE_COOP_TASKRUN);
        CHECK_EQUAL(failure.error, 0);
        CHECK(failure.step == NULL);
        cring_free(ring);
    }
    uint32_t bit = 1;
    for (; cring_feature_name(bit) != NULL; bit <<= 1)
        CHECK(strlen(cring_feature_name(bit)) > 0);
    CHECK_EQUAL(bit, CRING_FEATURE_PRECISE_WAIT << 1);
}

void
test_opening(void)
{
    options();
    refusals();
    old_sandbox();
}
