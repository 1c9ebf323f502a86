// SPDX-License-Identifier: Apache-2.0
#include "CZlib.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

struct czlib_stream {
    z_stream z;
    size_t memory;
    bool deflates;
    /* Inflating: nothing came behind a block marked as the last. */
    bool behind_last;
};

/* --- memory ---------------------------------------------------------------------------------- */

static _Thread_local long allocations_left = -1;

void czlib_refuse_allocations(long count) { allocations_left = count; }

static bool is_refused(void)
{
    if (allocations_left <= 0)
        return allocations_left == 0;
    allocations_left--;
    return false;
}

/* Each block carries its size in front, so that freeing can count. */
enum { BLOCK_HEAD = 16 };

static voidpf allocate(voidpf opaque, uInt items, uInt size)
{
    czlib_stream *stream = opaque;
    const size_t n = (size_t)items * size;
    if (is_refused())
        return Z_NULL;
    unsigned char *block = malloc(n + BLOCK_HEAD);
    if (block == NULL)
        return Z_NULL;
    *(size_t *)(void *)block = n;
    stream->memory += n;
    return block + BLOCK_HEAD;
}

static void release(voidpf opaque, voidpf address)
{
    czlib_stream *stream = opaque;
    unsigned char *block = (unsigned char *)address - BLOCK_HEAD;
    stream->memory -= *(size_t *)(void *)block;
    free(block);
}

/* zlib's own state, beside windows and hash tables: 5,952 and 7,160 octets in zlib 1.2.13. */
enum { DEFLATE_STATE = 6400, INFLATE_STATE = 7680 };

size_t czlib_deflate_memory(int window_bits, int mem_level)
{
    return sizeof(czlib_stream) + DEFLATE_STATE + ((size_t)4 << window_bits)
        + ((size_t)512 << mem_level);
}

size_t czlib_inflate_memory(int window_bits)
{
    return sizeof(czlib_stream) + INFLATE_STATE + ((size_t)1 << window_bits);
}

size_t czlib_memory(const czlib_stream *stream) { return sizeof *stream + stream->memory; }

/* --- opening and closing --------------------------------------------------------------------- */

static czlib_stream *new_stream(bool deflates)
{
    czlib_stream *stream = is_refused() ? NULL : calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->deflates = deflates;
    stream->z.zalloc = allocate;
    stream->z.zfree = release;
    stream->z.opaque = stream;
    return stream;
}

czlib_stream *czlib_deflate_open(int level, int window_bits, int mem_level)
{
    czlib_stream *stream = new_stream(true);
    /* Negative bits are zlib's sign for raw DEFLATE, without header and checksum. */
    if (stream != NULL
        && deflateInit2(
               &stream->z, level, Z_DEFLATED, -window_bits, mem_level, Z_DEFAULT_STRATEGY)
            != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

czlib_stream *czlib_inflate_open(int window_bits)
{
    czlib_stream *stream = new_stream(false);
    if (stream != NULL && inflateInit2(&stream->z, -window_bits) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

void czlib_close(czlib_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->deflates)
        deflateEnd(&stream->z);
    else
        inflateEnd(&stream->z);
    free(stream);
}

void czlib_reset(czlib_stream *stream)
{
    stream->behind_last = false;
    if (stream->deflates)
        deflateReset(&stream->z);
    else
        inflateReset(&stream->z);
}

/* --- the work -------------------------------------------------------------------------------- */

/* zlib counts in unsigned ints. */
static uInt step(size_t n) { return n > INT_MAX ? (uInt)INT_MAX : (uInt)n; }

static void lend(z_stream *z, const uint8_t *in, size_t n, uint8_t *out, size_t capacity)
{
    z->next_in = in;
    z->avail_in = step(n);
    z->next_out = out;
    z->avail_out = step(capacity);
}

czlib_status czlib_deflate(
    czlib_stream *stream, czlib_flush flush, const uint8_t *in, size_t n, size_t *used,
    uint8_t *out, size_t capacity, size_t *made)
{
    z_stream *z = &stream->z;
    int result;
    *used = 0;
    *made = 0;
    do {
        const size_t left = n - *used;
        lend(z, in == NULL ? NULL : in + *used, left, out + *made, capacity - *made);
        const uInt lent = z->avail_in, room = z->avail_out;
        const bool is_last = lent == left;
        result = deflate(z, is_last && flush == CZLIB_FLUSH ? Z_SYNC_FLUSH : Z_NO_FLUSH);
        *used += lent - z->avail_in;
        *made += room - z->avail_out;
    } while (result == Z_OK && *made < capacity && *used < n);
    /* Z_BUF_ERROR says that there was nothing to do. */
    return result == Z_OK || result == Z_BUF_ERROR ? CZLIB_OK : CZLIB_NO_MEMORY;
}

czlib_status czlib_inflate(
    czlib_stream *stream, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
    size_t capacity, size_t *made)
{
    z_stream *z = &stream->z;
    *used = 0;
    *made = 0;
    if (n > 0)
        stream->behind_last = false;
    for (;;) {
        const size_t left = n - *used;
        lend(z, in == NULL ? NULL : in + *used, left, out + *made, capacity - *made);
        const uInt lent = z->avail_in, room = z->avail_out;
        const int result = inflate(z, Z_SYNC_FLUSH);
        *used += lent - z->avail_in;
        *made += room - z->avail_out;
        switch (result) {
        case Z_STREAM_END:
            /* Unlike inflateReset it keeps the window, and so costs the same whatever its size. */
            if (inflateResetKeep(z) != Z_OK)
                return CZLIB_CORRUPT;
            stream->behind_last = *used == n;
            break;
        case Z_OK:
        case Z_BUF_ERROR:
            break;
        case Z_MEM_ERROR:
            return CZLIB_NO_MEMORY;
        default:
            return CZLIB_CORRUPT;
        }
        if (*used == n || *made == capacity || result == Z_BUF_ERROR)
            return CZLIB_OK;
    }
}

/* What inflate leaves in data_type: unused bits of the last octet, and 128 between two blocks. */
enum { UNUSED_BITS = 63, BETWEEN_BLOCKS = 128 };

int czlib_inflate_is_between_blocks(const czlib_stream *stream)
{
    return (stream->z.data_type & (BETWEEN_BLOCKS | UNUSED_BITS)) == BETWEEN_BLOCKS;
}

int czlib_inflate_is_behind_last(const czlib_stream *stream) { return stream->behind_last; }
