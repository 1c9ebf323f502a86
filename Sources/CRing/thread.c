// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CRing.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct cring_lock {
    pthread_mutex_t mutex;
};

cring_lock *
cring_lock_new(void)
{
    cring_lock *lock = malloc(sizeof *lock);
    if (lock != NULL && pthread_mutex_init(&lock->mutex, NULL) != 0) {
        free(lock);
        return NULL;
    }
    return lock;
}

void
cring_lock_free(cring_lock *lock)
{
    if (lock == NULL)
        return;
    pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void
cring_lock_acquire(cring_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void
cring_lock_release(cring_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

enum { NAME_SIZE = 16 }; /* the kernel's, with the final NUL */

struct start {
    void (*body)(void *context);
    void *context;
    char name[NAME_SIZE];
};

static void *
run(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.body(start.context);
    return NULL;
}

int
cring_thread_start(void (*body)(void *context), void *context, const char *name)
{
    struct start *start = calloc(1, sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    start->body = body;
    start->context = context;
    memcpy(start->name, name, strnlen(name, NAME_SIZE - 1));
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        error = pthread_create(&thread, &attributes, run, start);
        pthread_attr_destroy(&attributes);
    }
    if (error != 0)
        free(start);
    return -error;
}

CRING_THREAD_WORD _Thread_local uintptr_t cring_word_of_thread;

#if defined(__has_attribute)
#if __has_attribute(swiftcall)
#define SWIFT_CALL __attribute__((swiftcall))
#endif
#endif
#ifndef SWIFT_CALL
#define SWIFT_CALL /* without arguments it is the plain calling convention */
#endif

/* In the Swift concurrency runtime; weak, so that C programs link without it. */
extern void *swift_task_getCurrent(void) __attribute__((weak)) SWIFT_CALL;

void *
cring_current_task(void)
{
    return swift_task_getCurrent != NULL ? swift_task_getCurrent() : NULL;
}
