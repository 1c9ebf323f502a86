// SPDX-License-Identifier: Apache-2.0
/* The messages that are sent in turn, compressed once. */
#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <string.h>

/* Compresses `t` by itself. */
static int compress_text(text *t, z_stream *deflater)
{
    const size_t room = deflateBound(deflater, t->size) + 16;
    t->wire = malloc(room);
    if (t->wire == NULL || deflateReset(deflater) != Z_OK)
        return -1;
    deflater->next_in = t->octets;
    deflater->avail_in = (uInt)t->size;
    deflater->next_out = t->wire;
    deflater->avail_out = (uInt)room;
    if (deflate(deflater, Z_SYNC_FLUSH) != Z_OK || deflater->avail_out == 0)
        return -1;
    t->wire_size = room - deflater->avail_out - TAIL;
    return 0;
}

int texts_copy(cload *load, const cload_options *options, cload_failure *failure)
{
    z_stream deflater = {0};
    if (deflateInit2(&deflater, 6, Z_DEFLATED, -WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return FAIL("no memory to compress");
    load->texts = calloc(options->text_count, sizeof *load->texts);
    int result = load->texts == NULL ? -1 : 0;
    for (uint32_t i = 0; i < options->text_count && result == 0; i++) {
        text *const t = &load->texts[i];
        t->size = options->texts[i].size;
        t->octets = malloc(t->size + 1);
        if (t->octets == NULL) {
            result = -1;
            break;
        }
        memcpy(t->octets, options->texts[i].octets, t->size);
        t->wire = t->octets;
        t->wire_size = t->size;
        load->text_count = i + 1;
        if (load->compresses)
            result = compress_text(t, &deflater);
        if (t->wire_size > load->message_max)
            load->message_max = t->wire_size;
    }
    deflateEnd(&deflater);
    return result == 0 ? 0 : FAIL("no memory for the texts");
}

void texts_free(cload *load)
{
    for (uint32_t i = 0; i < load->text_count; i++) {
        if (load->texts[i].wire != load->texts[i].octets)
            free(load->texts[i].wire);
        free(load->texts[i].octets);
    }
    free(load->texts);
}
