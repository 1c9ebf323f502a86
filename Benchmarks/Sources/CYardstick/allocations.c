// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CYardstick.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) \
    || HAS_FEATURE(thread_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#else
#define HAS_OWN_ALLOCATOR 0
#endif

#if defined(__GLIBC__) && !HAS_OWN_ALLOCATOR

/*
 * The program's own definitions go before the C library's, in all shared libraries too. They count
 * and hand over. What was allocated is the C library's memory, so its free fits.
 */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local uint64_t allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    allocations++;
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
        return EINVAL;
    void *const made = __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *memory = made;
    return 0;
}

uint64_t yardstick_allocations(void)
{
    return allocations;
}

int yardstick_counts_allocations(void)
{
    const uint64_t before = allocations;
    /* Through a pointer, as a compiler may do without an allocation that it can see. */
    void *(*volatile allocate)(size_t) = malloc;
    void *made = allocate(1);
    free(made);
    return allocations == before + 1;
}

#else

uint64_t yardstick_allocations(void)
{
    return 0;
}

int yardstick_counts_allocations(void)
{
    return 0;
}

#endif
