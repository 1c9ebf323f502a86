// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

struct outcome {
    char name[16];
    uintptr_t word_before, word_after;
    bool is_detached;
    atomic_bool is_done;
};

static void
body(void *context)
{
    struct outcome *outcome = context;
    pthread_attr_t attributes;
    int state = 0;
    pthread_getname_np(pthread_self(), outcome->name, sizeof outcome->name);
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getdetachstate(&attributes, &state);
        pthread_attr_destroy(&attributes);
    }
    outcome->is_detached = state == PTHREAD_CREATE_DETACHED;
    outcome->word_before = cring_thread_word();
    cring_thread_word_set(7);
    outcome->word_after = cring_thread_word();
    atomic_store(&outcome->is_done, true);
}

void
test_threads(void)
{
    static struct outcome outcome; /* static: the thread may outlive a time-out below */
    cring_thread_word_set(3);
    CHECK_EQUAL(cring_thread_start(body, &outcome, "a name longer than fits"), 0);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!atomic_load(&outcome.is_done) && now_ms() < deadline)
        usleep(1000);
    if (CHECK(atomic_load(&outcome.is_done))) {
        CHECK(strcmp(outcome.name, "a name longer t") == 0);
        CHECK_EQUAL(outcome.word_before, 0);
        CHECK_EQUAL(outcome.word_after, 7);
        CHECK(outcome.is_detached);
    }
    CHECK_EQUAL(cring_thread_word(), 3);
    CHECK(cring_current_task() == NULL);
    cring_lock_free(NULL);
}
