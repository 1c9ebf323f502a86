// SPDX-License-Identifier: Apache-2.0
/*
 * Goal: cframe_utf8 and cframe_mask_utf8 accept exactly UTF-8, name the first octet that cannot be
 * right, and do so wherever in a text a character stands and however the text is cut.
 * Method: against naive_utf8. All sequences of two and three octets; of four octets every sequence
 * of CLASSES, whose members stand for all octets that RFC 3629 treats alike, with their edges.
 */
#include "test.h"

static const uint8_t CLASSES[] = {
    0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
    0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF};
enum { CLASS_COUNT = sizeof CLASSES };
/* Fewer, for sweeps over positions. */
static const uint8_t FEW[] = {
    0x41, 0x80, 0x90, 0xA0, 0xBF, 0xC1, 0xC3, 0xE0, 0xE3, 0xED, 0xF0, 0xF2, 0xF4, 0xF5};
enum { FEW_COUNT = sizeof FEW };

static uint8_t area[TEXT_MAX + 2 * AROUND + 64], area2[TEXT_MAX + 2 * AROUND + 64];
static uint8_t masked[TEXT_MAX];
static guarded page, page2;

/* What a text must give. */
typedef struct verdict {
    bool valid;
    uint32_t tail;
} verdict;

static verdict verdict_of(const uint8_t *text, size_t n)
{
    verdict v;
    v.valid = naive_utf8(text, n, &v.tail) == n;
    return v;
}

static void check_result(
    const char *what, verdict expected, int32_t result, uint32_t tail, const uint8_t *text,
    size_t n)
{
    const bool good = (result == 0) == expected.valid && (!expected.valid || tail == expected.tail);
    CHECK(
        good,
        "%s: n %zu, result %d tail %08x, expected valid %d tail %08x, starts %02x%02x%02x%02x",
        what, n, result, tail, expected.valid, expected.tail, n > 0 ? text[0] : 0,
        n > 1 ? text[1] : 0, n > 2 ? text[2] : 0, n > 3 ? text[3] : 0);
}

/* Validates `text` in pieces that end at `cuts`, and the same masked, in place and copied. */
static void check_pieces(
    const uint8_t *text, size_t n, const size_t *cuts, size_t cut_count, verdict expected)
{
    const uint32_t key = (uint32_t)random_bits();
    uint8_t *const place = area2 + AROUND + random_below(64);
    naive_mask(masked, text, n, key);
    for (int way = 0; way < 3; way++) {
        if (way == 1)
            memcpy(place, masked, n);
        if (way == 2)
            memset(place - AROUND, 0x5A, n + 2 * AROUND);
        uint32_t tail = 0, turned = key;
        int32_t result = 0;
        size_t at = 0;
        for (size_t i = 0; i <= cut_count && result == 0; i++) {
            const size_t end = i < cut_count ? cuts[i] : n;
            if (way == 0)
                result = cframe_utf8(text + at, end - at, &tail);
            else
                result = cframe_mask_utf8(
                    place + at, way == 1 ? place + at : masked + at, end - at, turned, &tail);
            turned = cframe_key_advance(turned, end - at);
            at = end;
        }
        static const char *const names[] = {"utf8", "fused in place", "fused copy"};
        check_result(names[way], expected, result, tail, text, n);
        if (way != 0 && expected.valid)
            CHECK(memcmp(place, text, n) == 0, "%s: octets differ, n %zu", names[way], n);
        if (way == 2) {
            bool kept = true;
            for (size_t i = 0; i < AROUND; i++)
                kept &= (place - AROUND)[i] == 0x5A && place[n + i] == 0x5A;
            CHECK(kept, "octets around, n %zu", n);
        }
    }
}

/* Whole, and cut at every point. */
static void check_splits(const uint8_t *text, size_t n)
{
    const verdict expected = verdict_of(text, n);
    check_pieces(text, n, NULL, 0, expected);
    for (size_t cut = 0; cut <= n; cut++)
        check_pieces(text, n, &cut, 1, expected);
}

/* Octet by octet: it must fail on the very octet. */
static void check_fail_fast(const uint8_t *text, size_t n, uint32_t key)
{
    uint32_t unused, tail = 0, fused_tail = 0;
    const size_t bad = naive_utf8(text, n, &unused);
    size_t failed = n, fused_failed = n;
    for (size_t i = 0; i < n && failed == n; i++) {
        if (cframe_utf8(text + i, 1, &tail))
            failed = i;
    }
    for (size_t i = 0; i < n && fused_failed == n; i++) {
        const uint32_t turned = cframe_key_advance(key, i);
        uint8_t octet = (uint8_t)(text[i] ^ turned);
        if (cframe_mask_utf8(&octet, &octet, 1, turned, &fused_tail))
            fused_failed = i;
    }
    CHECK(failed == bad, "utf8 failed at %zu, not %zu", failed, bad);
    CHECK(fused_failed == bad, "fused failed at %zu, not %zu", fused_failed, bad);
}

/* A text of `n` octets, alone in exactly its room. */
static void check_short(const uint8_t *text, size_t n, uint32_t key)
{
    const verdict expected = verdict_of(text, n);
    uint8_t octets[4];
    uint32_t tail = 0;
    int32_t result = cframe_utf8(text, n, &tail);
    check_result("short", expected, result, tail, text, n);
    naive_mask(octets, text, n, key);
    tail = 0;
    result = cframe_mask_utf8(octets, octets, n, key, &tail);
    check_result("short fused", expected, result, tail, text, n);
}

static void all_short_sequences(void)
{
    const uint32_t key = (uint32_t)random_bits();
    for (unsigned a = 0; a < 256; a++) {
        uint8_t text[3] = {(uint8_t)a, 0, 0};
        check_short(text, 1, key);
        for (unsigned b = 0; b < 256; b++) {
            text[1] = (uint8_t)b;
            check_short(text, 2, key);
            check_fail_fast(text, 2, key);
            for (unsigned c = 0; c < 256; c += quick ? 15 : 1) {
                text[2] = (uint8_t)c;
                check_short(text, 3, key);
            }
        }
    }
}

static void four_octet_classes(void)
{
    const uint32_t key = (uint32_t)random_bits();
    const size_t step = quick ? 11 : 1;
    for (size_t c = 0; c < CLASS_COUNT * CLASS_COUNT * CLASS_COUNT * CLASS_COUNT; c += step) {
        uint8_t text[4];
        for (size_t i = 0, rest = c; i < 4; i++, rest /= CLASS_COUNT)
            text[i] = CLASSES[rest % CLASS_COUNT];
        check_short(text, 4, key);
        check_fail_fast(text, 4, key);
    }
}

/* Four octets at each position of texts that use each size of kernel, ASCII around them. */
static void positions(void)
{
    static const size_t lengths[] = {
        7, 16, 17, 21, 32, 33, 35, 40, 64, 65, 68, 97, 128, 131, 200, 290};
    uint8_t *const text = area + AROUND;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        const size_t n = lengths[l];
        const uint32_t key = (uint32_t)random_bits();
        for (size_t c = random_below(13); c < FEW_COUNT * FEW_COUNT * FEW_COUNT * FEW_COUNT;
             c += quick ? 997 : n > 64 ? 29 : 13) {
            /* What stands behind the sequence is in the verdict, unless it is the last. */
            uint8_t sequence[5];
            for (size_t i = 0, rest = c; i < 4; i++, rest /= FEW_COUNT)
                sequence[i] = FEW[rest % FEW_COUNT];
            sequence[4] = 'a';
            const verdict inside = verdict_of(sequence, 5), at_end = verdict_of(sequence, 4);
            for (size_t at = 0; at + 4 <= n; at++) {
                memset(text, 'a', n);
                memcpy(text + at, sequence, 4);
                const verdict expected = at + 4 == n ? at_end : inside;
                uint32_t tail = 0;
                int32_t result = cframe_utf8(text, n, &tail);
                check_result("position", expected, result, tail, text + at, 4);
                cframe_mask(area2, text, n, key);
                tail = 0;
                result = cframe_mask_utf8(area2, area2, n, key, &tail);
                check_result("position fused", expected, result, tail, text + at, 4);
            }
        }
    }
}

/* The same around the ends of vectors and of the blocks that the fused kernel works in. */
static void positions_in_blocks(void)
{
    static const size_t lengths[] = {2047, 2048, 2049, 4096, 4128, 4160, 5000, 8192, 8211, 12345};
    uint8_t *const text = area + AROUND;
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        const size_t n = lengths[l];
        for (size_t round = 0; round < (quick ? 5 : 400); round++) {
            const size_t shift = random_below(64);
            const uint32_t key = (uint32_t)random_bits();
            uint8_t sequence[5];
            for (size_t i = 0; i < 4; i++)
                sequence[i] = FEW[random_below(FEW_COUNT)];
            sequence[4] = 'a';
            const verdict inside = verdict_of(sequence, 5), at_end = verdict_of(sequence, 4);
            static const size_t edges[] = {0, 32, 64, 2048, 4096, 8192};
            for (size_t e = 0; e < 12; e++) {
                /* Distances from the front and from the end; blocks start at an aligned store. */
                const size_t edge = edges[e / 2];
                const size_t near = edge + random_below(80);
                if (near + 4 > n)
                    continue;
                const size_t at = e & 1 ? n - 4 - near : near;
                memset(text, 'a', n);
                memcpy(text + at, sequence, 4);
                const verdict expected = at + 4 == n ? at_end : inside;
                uint32_t tail = 0;
                int32_t result = cframe_utf8(text, n, &tail);
                check_result("block", expected, result, tail, text + at, 4);
                cframe_mask(area2 + shift, text, n, key);
                tail = 0;
                result = cframe_mask_utf8(area2 + shift, area2 + shift, n, key, &tail);
                check_result("block fused", expected, result, tail, text + at, 4);
            }
        }
    }
}

static void random_texts(void)
{
    const size_t rounds = quick ? 1500 : 60000;
    for (size_t round = 0; round < rounds; round++) {
        const size_t scale = round % 200 == 0 ? TEXT_MAX : round % 10 == 0 ? 5000 : 300;
        const size_t n = random_below(scale);
        uint8_t *const text = area + AROUND + random_below(64);
        random_text(text, n);
        if (n != 0 && round % 2 == 0) {
            for (size_t faults = 1 + random_below(2); faults != 0; faults--)
                text[random_below(n)] = CLASSES[random_below(CLASS_COUNT)];
        }
        size_t cuts[5];
        const size_t cut_count = random_below(6);
        for (size_t i = 0; i < cut_count; i++)
            cuts[i] = random_below(n + 1);
        for (size_t i = 1; i < cut_count; i++) {
            for (size_t j = i; j != 0 && cuts[j - 1] > cuts[j]; j--) {
                const size_t swap = cuts[j];
                cuts[j] = cuts[j - 1];
                cuts[j - 1] = swap;
            }
        }
        check_pieces(text, n, cuts, cut_count, verdict_of(text, n));
    }
}

/* Every length, the text against a dead page on either side; valid, and cut in a character. */
static void check_flush(size_t n)
{
    for (int c = 0; c < 4; c++) {
        const uint32_t key = (uint32_t)random_bits();
        uint8_t *const text = c & 1 ? page.end - n : page.begin;
        uint8_t *const copy = c & 2 ? page2.end - n : page2.begin;
        random_text(text, n);
        if (n >= 3 && n % 3 == 0)
            memcpy(text + n - 3, "\xF0\x9F\x98", 3);
        const verdict expected = verdict_of(text, n);
        uint32_t tail = 0;
        int32_t result = cframe_utf8(text, n, &tail);
        check_result("flush", expected, result, tail, text, n);
        memcpy(masked, text, n);
        naive_mask(text, text, n, key);
        tail = 0;
        result = cframe_mask_utf8(copy, text, n, key, &tail);
        check_result("flush copy", expected, result, tail, masked, n);
        tail = 0;
        result = cframe_mask_utf8(text, text, n, key, &tail);
        check_result("flush in place", expected, result, tail, masked, n);
        if (expected.valid)
            CHECK(memcmp(text, masked, n) == 0 && memcmp(copy, masked, n) == 0, "n %zu", n);
    }
}

static void test_kernel(void)
{
    uint32_t tail = 0;
    CHECK(cframe_utf8(NULL, 0, &tail) == 0 && tail == 0, "nothing");
    CHECK(cframe_mask_utf8(NULL, NULL, 0, 1, &tail) == 0 && tail == 0, "nothing");

    static const char *const samples[] = {
        "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!",
        "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80" "edited",
        "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80 emoji, "
        "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E and plain words to fill two vectors and a half of it",
        "{\"name\":\"\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD\",\"text\":\"\xF4\x8F\xBF\xBF\xEF\xBF\xBF"
        "\xEE\x80\x80\xED\x9F\xBF\xE0\xA0\x80\xDF\xBF\xC2\x80\x7F\",\"n\":[1,2,3,4,5,6,7,8,9,10]}",
        "\xF4\x90\x80\x80",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xF0\x90\x80\x80",
        "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7"};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const uint8_t *const text = (const uint8_t *)samples[i];
        const size_t n = strlen(samples[i]);
        check_splits(text, n);
        check_fail_fast(text, n, (uint32_t)random_bits());
    }
    all_short_sequences();
    four_octet_classes();
    positions();
    positions_in_blocks();
    random_texts();
    for (size_t n = 0; n <= 300; n++)
        check_flush(n);
    static const size_t longer[] = {
        511, 2047, 2048, 2049, 4095, 4096, 4097, 4127, 4128, 8200, 70000};
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        check_flush(longer[i]);
}

void test_utf8(void)
{
    page = guarded_new();
    page2 = guarded_new();
    each_kernel(test_kernel);
}
