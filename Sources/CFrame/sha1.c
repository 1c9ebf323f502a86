// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "octets.h"

static uint32_t rotate_left(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

/* FIPS 180-4 section 6.1.2, one block of 64 octets. */
static void sha1_block(uint32_t hash[5], const uint8_t *block)
{
    uint32_t w[80];
    for (size_t t = 0; t < 16; t++)
        w[t] = __builtin_bswap32(load32(block + 4 * t));
    for (size_t t = 16; t < 80; t++)
        w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];
    for (size_t t = 0; t < 80; t++) {
        uint32_t f, k;
        if (t < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (t < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (t < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        const uint32_t next = rotate_left(a, 5) + f + e + k + w[t];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
}

void cframe_sha1(const uint8_t *data, size_t n, uint8_t digest[20])
{
    uint32_t hash[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const uint64_t bits = (uint64_t)n * 8;
    for (; n >= 64; n -= 64, data += 64)
        sha1_block(hash, data);

    /* The rest, a one bit, zeros, and the length in bits in the last eight octets: one block, or
     * two when fewer than nine octets are free. */
    uint8_t last[128] = {0};
    if (n != 0)
        memcpy(last, data, n);
    last[n] = 0x80;
    const size_t size = n < 56 ? 64 : 128;
    store64(last + size - 8, __builtin_bswap64(bits));
    sha1_block(hash, last);
    if (size == 128)
        sha1_block(hash, last + 64);

    for (size_t i = 0; i < 5; i++)
        store32(digest + 4 * i, __builtin_bswap32(hash[i]));
}

void cframe_accept_key(const char key[24], char accept[28])
{
    /* RFC 6455 section 1.3. */
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[60], digest[20];
    memcpy(text, key, 24);
    memcpy(text + 24, guid, 36);
    cframe_sha1(text, sizeof text, digest);
    cframe_base64_encode(digest, sizeof digest, accept);
}
