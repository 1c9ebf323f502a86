// SPDX-License-Identifier: Apache-2.0
/* Tests of CRing without Swift, on io_uring with several sets of features and on epoll.
 *
 *   clang -std=gnu17 -O2 -ISources/CRing/include Sources/CRing/?*.c Tests/CRing/?*.c \
 *       @Tests/CRing/link -o ring_test        (add -fsanitize=address,undefined for that run)
 *   ./ring_test [uring|epoll]                 (both by default)
 *
 * Prints `ring_test: N checks, 0 failures` last; exits with 1 on failures, and never runs longer
 * than two minutes. */
#define _GNU_SOURCE
#include "ring_test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS_MAX = 120 };

static const struct variant variants[] = {
    {"io_uring", CRING_URING, 0},
    {"io_uring, cooperative", CRING_URING, CRING_FEATURE_DEFER_TASKRUN},
    {"io_uring, plain", CRING_URING,
     CRING_FEATURE_DEFER_TASKRUN | CRING_FEATURE_COOP_TASKRUN | CRING_FEATURE_SINGLE_ISSUER
         | CRING_FEATURE_SUBMIT_ALL | CRING_FEATURE_COMPLETION_SKIP},
    {"io_uring, one shot", CRING_URING,
     CRING_FEATURE_MULTISHOT_ACCEPT | CRING_FEATURE_MULTISHOT_RECEIVE | CRING_FEATURE_TASKRUN_FLAG},
    {"epoll", CRING_EPOLL, 0},
    {"epoll, milliseconds", CRING_EPOLL, CRING_FEATURE_PRECISE_WAIT},
};

static int checks, failures;
static const char *subject = "";

bool
check(bool holds, const char *condition, const char *file, int line)
{
    checks++;
    if (!holds) {
        failures++;
        fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, subject, condition);
    }
    return holds;
}

bool
check_equal(int64_t a, int64_t b, const char *condition, const char *file, int line)
{
    checks++;
    if (a != b) {
        failures++;
        fprintf(stderr, "%s:%d: %s: not so: %s (%lld, %lld)\n", file, line, subject, condition,
                (long long)a, (long long)b);
    }
    return a == b;
}

static void
test_variant(const struct variant *variant)
{
    static const struct {
        const char *name;
        void (*run)(const struct variant *variant);
    } tests[] = {
        {"connections", test_connections}, {"sends", test_sends},
        {"cancelling", test_cancelling},   {"buffers", test_buffers},
        {"queues", test_queues},           {"waiting", test_waiting},
        {"freeing", test_freeing},         {"shortages", test_shortages},
    };
    subject = variant->name;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int before = open_descriptors();
        int64_t start = now_ms();
        tests[i].run(variant);
        printf("%s, %s: %lld ms\n", variant->name, tests[i].name, (long long)(now_ms() - start));
        CHECK_EQUAL(open_descriptors(), before);
    }
}

int
main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(SECONDS_MAX);
    subject = "general";
    test_opening();
    test_sockets();
    test_threads();
    test_failing();
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        bool is_epoll = variants[i].kind == CRING_EPOLL;
        if (*only == '\0' || strcmp(only, is_epoll ? "epoll" : "uring") == 0)
            test_variant(&variants[i]);
    }
    printf("ring_test: %d checks, %d failures\n", checks, failures);
    return failures > 0;
}
