// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"

size_t cframe_base64_encode(const uint8_t *data, size_t n, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *const start = out;
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t group = (uint32_t)data[i] << 16
            | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0U);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[group & 63] : '=';
    }
    return (size_t)(out - start);
}

/* The value of one character of the alphabet, or 64. */
static uint32_t sextet(char character)
{
    if (character >= 'A' && character <= 'Z')
        return (uint32_t)(character - 'A');
    if (character >= 'a' && character <= 'z')
        return (uint32_t)(character - 'a') + 26;
    if (character >= '0' && character <= '9')
        return (uint32_t)(character - '0') + 52;
    return character == '+' ? 62 : character == '/' ? 63 : 64;
}

int cframe_base64_decode(const char *text, size_t n, uint8_t *out, size_t capacity)
{
    if (n % 4 != 0)
        return -1;
    size_t count = 0;
    for (size_t i = 0; i < n; i += 4) {
        /* Only the last group may be padded, and with "=" or "==" only. */
        size_t octets = 3;
        if (i + 4 == n && text[i + 3] == '=')
            octets = text[i + 2] == '=' ? 1 : 2;

        uint32_t group = 0;
        for (size_t j = 0; j <= octets; j++) {
            const uint32_t value = sextet(text[i + j]);
            if (value > 63)
                return -1;
            group |= value << (18 - 6 * j);
        }
        /* RFC 4648 section 3.5: bits that no octet takes must be zero. */
        if (group & (0xFFFFFFU >> (8 * octets)))
            return -1;
        if (capacity - count < octets || count > (size_t)INT32_MAX - 3)
            return -1;
        for (size_t j = 0; j < octets; j++)
            out[count++] = (uint8_t)(group >> (16 - 8 * j));
    }
    return (int)count;
}
