// SPDX-License-Identifier: Apache-2.0
/* Goal: SHA-1, Base64 and the accept key agree with their standards' own samples, and the Base64
 * decoder takes nothing that is not canonical. sha1_against_hashlib.py adds random inputs. */
#include "test.h"

static guarded page;

static void check_sha1(const uint8_t *data, size_t n, const char *hex)
{
    uint8_t digest[20];
    char got[41];
    cframe_sha1(data, n, digest);
    for (size_t i = 0; i < 20; i++)
        snprintf(got + 2 * i, 3, "%02x", digest[i]);
    CHECK(strcmp(got, hex) == 0, "n %zu: %s, expected %s", n, got, hex);
}

static void sha1_samples(void)
{
    /* FIPS 180 samples. */
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "a49b2446a02c645bf419f995b67091253a04a259"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_sha1((const uint8_t *)cases[i].text, strlen(cases[i].text), cases[i].hex);
    static uint8_t million[1000000];
    memset(million, 'a', sizeof million);
    check_sha1(million, sizeof million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    /* Every number of octets in the last block, against a dead page. */
    uint8_t digest[20];
    for (size_t n = 0; n <= 200; n++)
        cframe_sha1(page.end - n, n, digest);
    cframe_sha1(NULL, 0, digest);
}

static void base64_samples(void)
{
    /* RFC 4648 section 10. */
    static const char *const cases[][2] = {
        {"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[9] = {0};
        uint8_t octets[8];
        const size_t n = strlen(cases[i][0]), m = strlen(cases[i][1]);
        CHECK(cframe_base64_encode((const uint8_t *)cases[i][0], n, text) == m, "%zu", i);
        CHECK(strcmp(text, cases[i][1]) == 0, "%s", text);
        CHECK(cframe_base64_decode(text, m, octets, n) == (int)n, "%s", text);
        CHECK(memcmp(octets, cases[i][0], n) == 0, "%s", text);
        if (n != 0)
            CHECK(cframe_base64_decode(text, m, octets, n - 1) == -1, "%s, no room", text);
    }
    static const char *const refused[] = {
        "Z",        "Zg",       "Zg=",      "Zg==Zg==", "Zh==",     "Zm9=",     "=",
        "====",     "Z===",     "Zg=g",     "Z=g=",     "=Zg=",     "Zm9v ",    " Zm9v",
        "Zm9\n",    "Zm9-",     "Zm9_",     "Zm9v====", "Zm9vZ===", "Zm8=\n",   "Zm8=====",
        "Zm9v\xFF\xFF\xFF\xFF", "Zm9v@[`{", "Zm9v,-.:", "AAAAAAAAAAAAAAAAAAAAAB=="};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint8_t octets[32];
        const int result = cframe_base64_decode(refused[i], strlen(refused[i]), octets, 32);
        CHECK(result == -1, "%s: %d", refused[i], result);
    }
    const char nul[4] = {'Z', 'm', '9', 0};
    uint8_t octets[4];
    CHECK(cframe_base64_decode(nul, 4, octets, 4) == -1, "NUL");
    CHECK(cframe_base64_decode(NULL, 0, NULL, 0) == 0, "nothing");
}

/* Each text of one group is either what the encoder writes for its octets, or refused. */
static void base64_canonical(void)
{
    for (uint32_t c = 0; c < (1U << 24); c += quick ? 999 : 37) {
        /* Two characters of all, two of those that matter behind them. */
        static const char last[] = "=AQgwZ/+=";
        char text[4] = {
            (char)(c & 0xFF), (char)(c >> 8 & 0xFF), last[(c >> 16) % 9], last[(c >> 20) % 9]};
        char again[4];
        uint8_t octets[3];
        const int n = cframe_base64_decode(text, 4, octets, 3);
        if (n >= 0) {
            const size_t m = cframe_base64_encode(octets, (size_t)n, again);
            CHECK(n > 0 && m == 4 && memcmp(text, again, 4) == 0, "%.4s", text);
        }
    }
    for (size_t round = 0; round < 2000; round++) {
        uint8_t data[60], back[60];
        const size_t n = random_below(61), m = (n + 2) / 3 * 4;
        random_fill(data, n);
        char *const text = (char *)page.end - m;
        CHECK(cframe_base64_encode(data, n, text) == m, "n %zu", n);
        CHECK(cframe_base64_decode(text, m, back, n) == (int)n, "n %zu", n);
        CHECK(memcmp(data, back, n) == 0, "n %zu", n);
    }
}

void test_handshake(void)
{
    page = guarded_new();
    sha1_samples();
    base64_samples();
    base64_canonical();
    /* RFC 6455 section 1.3. */
    char *const accept = (char *)page.end - 28;
    cframe_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept);
    CHECK(memcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28) == 0, "%.28s", accept);
}
