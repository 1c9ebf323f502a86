// SPDX-License-Identifier: Apache-2.0
/*
 * Goal: for any octets cframe_parse stays inside them, and says the same however they are cut, how
 * many records a call may write, and which kernel works.
 * Method: the stream is parsed whole, in pieces of lengths the input chooses, and octet by octet,
 * with every kernel; each run writes a log of the frames it saw, and the logs must be equal. Every
 * call is given a heap block of its own that ends with the octets, so that the address sanitizer
 * sees an over-read of one octet.
 *
 * Input: five octets of settings, then the stream.
 *   0     bit 0: client; bit 1: RSV1 allowed; bits 2 to 5: how far the block is off its alignment
 *   1     low half: longest message; high half: longest frame, both from a table
 *   2     the most fragments
 *   3, 4  lengths of the pieces, in turns
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CFrame.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { SETTINGS = 5, STREAM_MAX = 1 << 16, RECORDS_MAX = 64, CARRIED_MAX = 139 };

typedef struct settings {
    cframe_role role;
    uint8_t reserved_bits_allowed;
    uint64_t max_frame, max_message;
    uint32_t max_fragments;
    size_t misalignment;
    size_t pieces[2];
} settings;

/* What one run saw. Payload octets of an unfinished frame stand at the end of `octets`. */
typedef struct stream_log {
    uint8_t *octets;
    size_t n, capacity;
    /* Where the frame begins that has no end as yet; n when there is none. */
    size_t open_frame;
    cframe_status status;
    /* Octets of the stream that had been given when the violation was seen. */
    size_t given;
    /* Octets of a data frame's payload already in the log. */
    int in_frame;
} stream_log;

static void append(stream_log *log, const void *p, size_t n)
{
    if (log->capacity - log->n < n) {
        log->capacity = 2 * (log->capacity + n);
        log->octets = realloc(log->octets, log->capacity);
        CHECK(log->octets != NULL);
    }
    if (n != 0)
        memcpy(log->octets + log->n, p, n);
    log->n += n;
}

static void
append_record(stream_log *log, const cframe_record *record, const uint8_t *buf, size_t n)
{
    CHECK(record->offset <= n && record->length <= n - record->offset);
    const int begins = (record->flags & CFRAME_FRAME_BEGIN) != 0;
    const int ends = (record->flags & CFRAME_FRAME_END) != 0;
    const int is_control = (record->b0 & 0x08) != 0;
    if (is_control) {
        CHECK(record->flags == 15 && record->length <= 125 && record->message_b0 == record->b0);
        CHECK(!log->in_frame);
    } else {
        CHECK(begins != log->in_frame);
        CHECK(ends || record->length > 0);
        CHECK(!(record->flags & CFRAME_MESSAGE_END) || (ends && (record->b0 & 0x80)));
    }
    if (begins) {
        log->open_frame = log->n;
        const uint8_t head[4] = {
            record->b0, record->message_b0, (uint8_t)(record->flags & CFRAME_MESSAGE_BEGIN), 0};
        append(log, head, sizeof head);
    }
    append(log, buf + record->offset, record->length);
    log->in_frame = !ends;
    if (ends) {
        const uint8_t tail[4] = {
            (uint8_t)(record->flags & CFRAME_MESSAGE_END), (uint8_t)(record->close_code >> 8),
            (uint8_t)record->close_code, 0xFE};
        append(log, tail, sizeof tail);
        log->open_frame = log->n;
    }
}

/* Parses `n` octets of `stream` in pieces of the given lengths. */
static stream_log run(
    const settings *s, const uint8_t *stream, size_t n, size_t first_piece, size_t second_piece,
    size_t record_cap)
{
    stream_log log = {.status = CFRAME_OK};
    cframe_parser parser;
    cframe_parser_init(&parser, s->role, s->max_frame, s->max_message, s->max_fragments);
    parser.reserved_bits_allowed = s->reserved_bits_allowed;

    uint8_t *carried = NULL;
    size_t carried_n = 0;
    for (int turn = 0; log.given < n; turn++) {
        const size_t wanted = turn % 2 ? second_piece : first_piece;
        const size_t fresh = wanted < n - log.given ? wanted : n - log.given;
        const size_t length = carried_n + fresh;
        uint8_t *const block = malloc(s->misalignment + length);
        CHECK(block != NULL);
        uint8_t *const buf = block + s->misalignment;
        if (carried_n != 0)
            memcpy(buf, carried, carried_n);
        memcpy(buf + carried_n, stream + log.given, fresh);
        log.given += fresh;
        free(carried);

        size_t at = 0;
        while (at < length) {
            cframe_record records[RECORDS_MAX];
            size_t used = 0;
            const size_t count = cframe_parse(
                &parser, buf + at, length - at, records, record_cap, &used, &log.status);
            CHECK(count <= record_cap && used <= length - at);
            for (size_t i = 0; i < count; i++)
                append_record(&log, &records[i], buf + at, used);
            at += used;
            if (log.status != CFRAME_OK) {
                uint16_t code = cframe_status_close_code(log.status);
                CHECK(code == 1002 || code == 1007 || code == 1009);
                cframe_status again = CFRAME_OK;
                CHECK(cframe_parse(
                          &parser, buf + at, length - at, records, record_cap, &used, &again) == 0);
                CHECK(used == 0 && again == log.status);
                free(block);
                return log;
            }
            if (count == 0 && used == 0)
                break;
        }
        carried_n = length - at;
        CHECK(carried_n <= CARRIED_MAX);
        carried = malloc(carried_n);
        CHECK(carried_n == 0 || carried != NULL);
        if (carried_n != 0)
            memcpy(carried, buf + at, carried_n);
        free(block);
    }
    free(carried);
    return log;
}

/* Whole frames are the same in both; of a frame that a violation ended, one may show more. */
static void check_equal(const stream_log *a, const stream_log *b)
{
    CHECK(a->status == b->status);
    if (a->status == CFRAME_OK) {
        CHECK(a->n == b->n && (a->n == 0 || memcmp(a->octets, b->octets, a->n) == 0));
        return;
    }
    CHECK(a->open_frame == b->open_frame);
    const size_t shared = a->n < b->n ? a->n : b->n;
    CHECK(shared == 0 || memcmp(a->octets, b->octets, shared) == 0);
}

/* Masking, validation and both in one, against the plain kernel. */
static void check_octet_work(
    const settings *s, const uint8_t *stream, size_t n, cframe_kernel kernel, uint32_t key)
{
    const size_t shift = s->misalignment;
    uint8_t *const blocks[3] = {malloc(shift + n), malloc(shift + n), malloc(shift + n)};
    CHECK(blocks[0] != NULL && blocks[1] != NULL && blocks[2] != NULL);
    uint8_t *const source = blocks[0] + shift, *const fused = blocks[1] + shift,
                   *const masked = blocks[2] + shift;
    if (n != 0)
        memcpy(source, stream, n);

    CHECK(cframe_kernel_use(CFRAME_KERNEL_PLAIN) == 0);
    uint32_t plain_tail = 0, tail = 0;
    cframe_mask(masked, source, n, key);
    const int plain_invalid = cframe_utf8(masked, n, &plain_tail) != 0;

    CHECK(cframe_kernel_use(kernel) == 0);
    const int invalid = cframe_mask_utf8(fused, source, n, key, &tail) != 0;
    CHECK(invalid == plain_invalid && (invalid || tail == plain_tail));
    CHECK(invalid || n == 0 || memcmp(fused, masked, n) == 0);
    tail = 0;
    CHECK((cframe_utf8(masked, n, &tail) != 0) == plain_invalid);
    CHECK(plain_invalid || tail == plain_tail);
    cframe_mask(masked, masked, n, key);
    CHECK(n == 0 || memcmp(source, masked, n) == 0);

    const size_t size = cframe_frame_size(n, 1);
    uint8_t *const frame = malloc(size);
    CHECK(frame != NULL);
    CHECK(cframe_encode(frame, 0x82, source, n, 1, key) == size);
    cframe_mask(frame + size - n, frame + size - n, n, key);
    CHECK(n == 0 || memcmp(frame + size - n, source, n) == 0);
    free(frame);
    for (int i = 0; i < 3; i++)
        free(blocks[i]);
}

static settings read_settings(const uint8_t *data)
{
    static const uint64_t sizes[16] = {
        0, 1, 2, 5, 16, 124, 125, 126, 127, 1000, 65535, 65536, 1 << 20, 1ULL << 32,
        UINT64_MAX - 1, UINT64_MAX};
    static const size_t pieces[8] = {1, 2, 3, 7, 13, 64, 130, 1000};
    return (settings){
        .role = data[0] & 1 ? CFRAME_CLIENT : CFRAME_SERVER,
        .reserved_bits_allowed = data[0] & 2 ? 0x40 : 0,
        .misalignment = data[0] >> 2 & 15,
        .max_message = sizes[data[1] & 15],
        .max_frame = sizes[data[1] >> 4],
        .max_fragments = data[2] == 0xFF ? UINT32_MAX : data[2],
        .pieces = {pieces[data[3] & 7] + (data[3] >> 3), pieces[data[4] & 7] + (data[4] >> 3)},
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < SETTINGS || n > SETTINGS + STREAM_MAX)
        return 0;
    const settings s = read_settings(data);
    const uint8_t *const stream = data + SETTINGS;
    n -= SETTINGS;

    CHECK(cframe_kernel_use(CFRAME_KERNEL_PLAIN) == 0);
    stream_log expected = run(&s, stream, n, 1, 1, 1);
    for (int kernel = CFRAME_KERNEL_PLAIN; kernel <= CFRAME_KERNEL_NEON; kernel++) {
        if (cframe_kernel_use((cframe_kernel)kernel) != 0)
            continue;
        stream_log logs[] = {
            run(&s, stream, n, n, n, RECORDS_MAX),
            run(&s, stream, n, n, n, 1),
            run(&s, stream, n, s.pieces[0], s.pieces[1], RECORDS_MAX),
            run(&s, stream, n, s.pieces[1], 1, 2),
        };
        for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
            check_equal(&expected, &logs[i]);
            free(logs[i].octets);
        }
        if (expected.status != CFRAME_OK) {
            /* The violation shows on the octet that octet by octet it came with, not before. */
            stream_log early = run(&s, stream, expected.given - 1, n, n, RECORDS_MAX);
            CHECK(early.status == CFRAME_OK);
            stream_log exact = run(&s, stream, expected.given, n, n, RECORDS_MAX);
            CHECK(exact.status == expected.status);
            free(early.octets);
            free(exact.octets);
        }
        uint32_t key;
        memcpy(&key, data, sizeof key);
        check_octet_work(&s, stream, n, (cframe_kernel)kernel, key);
    }
    free(expected.octets);
    return 0;
}
