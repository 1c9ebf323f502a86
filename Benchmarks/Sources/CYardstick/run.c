// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CFrame.h"
#include "CYardstick.h"
#include "simdutf.h"

#include <string.h>
#include <time.h>

/* Volatile, so that no call can be inlined or its result foreseen. Read once before a loop. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void (*volatile mask)(uint8_t *, const uint8_t *, size_t, uint32_t) = cframe_mask;
static void (*volatile mask_naive)(uint8_t *, const uint8_t *, size_t, uint32_t) =
    yardstick_mask_naive;
static int32_t (*volatile utf8)(const uint8_t *, size_t, uint32_t *) = cframe_utf8;
static int (*volatile utf8_naive)(const uint8_t *, size_t) = yardstick_utf8_naive;
static int32_t (*volatile fused)(uint8_t *, const uint8_t *, size_t, uint32_t, uint32_t *) =
    cframe_mask_utf8;
static size_t (*volatile encode)(
    uint8_t *, uint8_t, const uint8_t *, size_t, int, uint32_t) = cframe_encode;
static size_t (*volatile parse)(
    cframe_parser *, uint8_t *, size_t, cframe_record *, size_t, size_t *, cframe_status *) =
    cframe_parse;

enum { BINARY_FRAME = 0x82, RECORDS = 64 };

uint64_t yardstick_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void yardstick_sink(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* One loop for all: `call` sees a piece as `to`, `from` and `n`. */
#define FOR_ALL_PIECES(call)                                                                       \
    for (size_t pass = 0; pass < passes; pass++) {                                                 \
        for (size_t i = 0; i < block->count; i++) {                                                \
            const size_t n = block->pieces[i].size;                                                \
            uint8_t *const to = block->target + block->pieces[i].offset;                           \
            const uint8_t *const from = block->source + block->pieces[i].offset;                   \
            call;                                                                                  \
        }                                                                                          \
    }

/* For what only reads, and for what only works in place. */
#define UNUSED(name) (void)(name)

typedef const yardstick_block *block_pointer;

static void run_memcpy(block_pointer block, size_t passes)
{
    void *(*const f)(void *, const void *, size_t) = copy;
    FOR_ALL_PIECES(f(to, from, n))
}

static void run_mask(block_pointer block, size_t passes, int is_naive)
{
    void (*const f)(uint8_t *, const uint8_t *, size_t, uint32_t) = is_naive ? mask_naive : mask;
    const uint32_t key = block->key;
    FOR_ALL_PIECES(UNUSED(from); f(to, to, n, key))
}

static uint64_t run_utf8(block_pointer block, size_t passes)
{
    int32_t (*const f)(const uint8_t *, size_t, uint32_t *) = utf8;
    uint64_t invalid = 0;
    FOR_ALL_PIECES(UNUSED(to); uint32_t tail = 0; invalid += f(from, n, &tail) || tail)
    return invalid;
}

static uint64_t run_utf8_naive(block_pointer block, size_t passes)
{
    int (*const f)(const uint8_t *, size_t) = utf8_naive;
    uint64_t invalid = 0;
    FOR_ALL_PIECES(UNUSED(to); invalid += !f(from, n))
    return invalid;
}

static uint64_t run_utf8_simdutf(block_pointer block, size_t passes)
{
    bool (*const f)(const char *, size_t) = yardstick_simdutf;
    uint64_t invalid = 0;
    if (!f)
        return 1;
    FOR_ALL_PIECES(UNUSED(to); invalid += !f((const char *)from, n))
    return invalid;
}

static uint64_t run_fused(block_pointer block, size_t passes, int copies)
{
    int32_t (*const f)(uint8_t *, const uint8_t *, size_t, uint32_t, uint32_t *) = fused;
    const uint32_t key = block->key;
    uint64_t invalid = 0;
    if (copies) {
        FOR_ALL_PIECES(uint32_t tail = 0; invalid += f(to, from, n, key, &tail) || tail)
    } else {
        FOR_ALL_PIECES(
            UNUSED(from); uint32_t tail = 0; invalid += f(to, to, n, key, &tail) || tail)
    }
    return invalid;
}

static uint64_t run_two_passes(block_pointer block, size_t passes, int copies)
{
    void (*const f)(uint8_t *, const uint8_t *, size_t, uint32_t) = mask;
    int32_t (*const g)(const uint8_t *, size_t, uint32_t *) = utf8;
    const uint32_t key = block->key;
    uint64_t invalid = 0;
    if (copies) {
        FOR_ALL_PIECES(
            uint32_t tail = 0; f(to, from, n, key); invalid += g(to, n, &tail) || tail)
    } else {
        FOR_ALL_PIECES(UNUSED(from); uint32_t tail = 0; f(to, to, n, key);
                       invalid += g(to, n, &tail) || tail)
    }
    return invalid;
}

static uint64_t run_two_passes_naive(block_pointer block, size_t passes, int copies)
{
    void (*const f)(uint8_t *, const uint8_t *, size_t, uint32_t) = mask_naive;
    int (*const g)(const uint8_t *, size_t) = utf8_naive;
    const uint32_t key = block->key;
    uint64_t invalid = 0;
    if (copies) {
        FOR_ALL_PIECES(f(to, from, n, key); invalid += !g(to, n))
    } else {
        FOR_ALL_PIECES(UNUSED(from); f(to, to, n, key); invalid += !g(to, n))
    }
    return invalid;
}

static void run_encode(block_pointer block, size_t passes, int masked)
{
    size_t (*const f)(uint8_t *, uint8_t, const uint8_t *, size_t, int, uint32_t) = encode;
    const uint32_t key = block->key;
    for (size_t pass = 0; pass < passes; pass++) {
        uint8_t *to = block->target;
        for (size_t i = 0; i < block->count; i++)
            to += f(
                to, BINARY_FRAME, block->source + block->pieces[i].offset, block->pieces[i].size,
                masked, key);
    }
}

static uint64_t run(yardstick_work work, block_pointer block, size_t passes)
{
    switch (work) {
    case YARDSTICK_MEMCPY:
        run_memcpy(block, passes);
        return 0;
    case YARDSTICK_MASK:
    case YARDSTICK_MASK_NAIVE:
        run_mask(block, passes, work == YARDSTICK_MASK_NAIVE);
        return 0;
    case YARDSTICK_UTF8:
        return run_utf8(block, passes);
    case YARDSTICK_UTF8_NAIVE:
        return run_utf8_naive(block, passes);
    case YARDSTICK_UTF8_SIMDUTF:
        return run_utf8_simdutf(block, passes);
    case YARDSTICK_FUSED:
    case YARDSTICK_FUSED_COPY:
        return run_fused(block, passes, work == YARDSTICK_FUSED_COPY);
    case YARDSTICK_TWO_PASSES:
    case YARDSTICK_TWO_PASSES_COPY:
        return run_two_passes(block, passes, work == YARDSTICK_TWO_PASSES_COPY);
    case YARDSTICK_TWO_PASSES_NAIVE:
    case YARDSTICK_TWO_PASSES_COPY_NAIVE:
        return run_two_passes_naive(block, passes, work == YARDSTICK_TWO_PASSES_COPY_NAIVE);
    case YARDSTICK_ENCODE:
    case YARDSTICK_ENCODE_MASKED:
        run_encode(block, passes, work == YARDSTICK_ENCODE_MASKED);
        return 0;
    }
    return 1;
}

uint64_t yardstick_run(
    yardstick_work work, const yardstick_block *block, size_t passes, uint64_t *invalid)
{
    const uint64_t start = yardstick_now();
    *invalid = run(work, block, passes);
    return yardstick_now() - start;
}

uint64_t yardstick_parse(uint8_t *octets, size_t n, size_t passes, yardstick_parsed *parsed)
{
    size_t (*const f)(
        cframe_parser *, uint8_t *, size_t, cframe_record *, size_t, size_t *, cframe_status *) =
        parse;
    cframe_parser parser;
    cframe_record records[RECORDS];
    cframe_status status = CFRAME_OK;
    uint64_t frames = 0, payload = 0;
    const uint64_t start = yardstick_now();
    cframe_parser_init(&parser, CFRAME_SERVER, UINT64_MAX, UINT64_MAX, UINT32_MAX);
    for (size_t pass = 0; pass < passes && status == CFRAME_OK; pass++) {
        for (size_t at = 0; at < n && status == CFRAME_OK;) {
            size_t used = 0;
            const size_t found =
                f(&parser, octets + at, n - at, records, RECORDS, &used, &status);
            for (size_t i = 0; i < found; i++)
                payload += records[i].length;
            frames += found;
            at += used;
            /* Octets are left that are no whole frame. */
            if (found == 0 && used == 0)
                break;
        }
    }
    const uint64_t end = yardstick_now();
    *parsed = (yardstick_parsed){.frames = frames, .octets = payload, .status = (int)status};
    return end - start;
}
