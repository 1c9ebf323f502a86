// SPDX-License-Identifier: Apache-2.0
//
// Tests CFrame against slow and simple versions of itself. From the package's root:
//
//   clang -std=c17 -O2 -ISources/CFrame/include Sources/CFrame/*.c Tests/CFrame/*.c -o kernel_test
//   ./kernel_test
//
// and the same with -fsanitize=address,undefined. --quick does less, for emulators. --sha1 is for
// sha1_against_hashlib.py: for each line of hexadecimal octets on its input the program prints
// their SHA-1 in hexadecimal and, behind a blank, their Base64.

/* MAP_ANONYMOUS is not in C17. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "../../Sources/CFrame/level.h"
#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

bool quick;
uint64_t checks, failures;

static uint64_t random_state = 0x9E3779B97F4A7C15;

uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1D;
}

size_t random_below(size_t bound)
{
    return (size_t)(random_bits() >> 16) % bound;
}

void random_fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(random_bits() >> 32);
}

guarded guarded_new(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t size = GUARDED_MAX;
    uint8_t *const all = mmap(
        NULL, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all, page, PROT_NONE) != 0
        || mprotect(all + page + size, page, PROT_NONE) != 0) {
        perror("guarded_new");
        exit(2);
    }
    return (guarded){all + page, all + page + size};
}

void each_kernel(void (*test)(void))
{
    const cframe_kernel before = cframe_kernel_current();
    for (cframe_kernel k = CFRAME_KERNEL_PLAIN; k <= CFRAME_KERNEL_NEON; k++) {
        if (cframe_kernel_use(k) == 0)
            test();
    }
#if CFRAME_X86
    /* A processor without SSSE3: vectors mask, plain C validates. */
    atomic_store(&cframe_level, LEVEL_SSE2);
    CHECK(cframe_kernel_current() == CFRAME_KERNEL_SSE, "SSE2");
    test();
#endif
    cframe_kernel_use(before);
}

void naive_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    uint8_t octets[4];
    memcpy(octets, &key, 4);
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i] ^ octets[i % 4];
}

size_t naive_utf8(const uint8_t *text, size_t n, uint32_t *tail)
{
    size_t i = 0;
    *tail = 0;
    while (i < n) {
        const uint8_t lead = text[i];
        size_t more;
        uint8_t low = 0x80, high = 0xBF;
        if (lead <= 0x7F)
            more = 0;
        else if (lead >= 0xC2 && lead <= 0xDF)
            more = 1;
        else if (lead >= 0xE0 && lead <= 0xEF)
            more = 2;
        else if (lead >= 0xF0 && lead <= 0xF4)
            more = 3;
        else
            return i;
        if (lead == 0xE0)
            low = 0xA0;
        if (lead == 0xED)
            high = 0x9F;
        if (lead == 0xF0)
            low = 0x90;
        if (lead == 0xF4)
            high = 0x8F;
        for (size_t j = 1; j <= more; j++) {
            if (i + j == n) {
                for (size_t k = i; k < n; k++)
                    *tail = *tail >> 8 | (uint32_t)text[k] << 24;
                return n;
            }
            if (text[i + j] < low || text[i + j] > high)
                return i + j;
            low = 0x80;
            high = 0xBF;
        }
        i += 1 + more;
    }
    return n;
}

void random_text(uint8_t *text, size_t n)
{
    size_t i = 0;
    while (i < n) {
        size_t width = 1 + random_below(4);
        for (size_t run = 1 + random_below(40); run != 0 && i < n; run--) {
            while (width > n - i)
                width--;
            uint32_t c;
            switch (width) {
            case 1:
                c = (uint32_t)random_below(0x80);
                text[i] = (uint8_t)c;
                break;
            case 2:
                c = 0x80 + (uint32_t)random_below(0x800 - 0x80);
                text[i] = (uint8_t)(0xC0 | c >> 6);
                break;
            case 3:
                do
                    c = 0x800 + (uint32_t)random_below(0x10000 - 0x800);
                while (c >= 0xD800 && c <= 0xDFFF);
                text[i] = (uint8_t)(0xE0 | c >> 12);
                break;
            default:
                c = 0x10000 + (uint32_t)random_below(0x110000 - 0x10000);
                text[i] = (uint8_t)(0xF0 | c >> 18);
            }
            for (size_t j = 1; j < width; j++)
                text[i + j] = (uint8_t)(0x80 | (c >> (6 * (width - 1 - j)) & 0x3F));
            i += width;
        }
    }
}

static int octet_of_hex(int high, int low)
{
    const char digits[] = "0123456789abcdef";
    const char *const h = strchr(digits, high), *const l = strchr(digits, low);
    return h && l && high && low ? (int)((h - digits) * 16 + (l - digits)) : -1;
}

/* See the top of this file. */
static int answer_sha1(void)
{
    static uint8_t data[1 << 16];
    static char base64[1 << 17];
    size_t n = 0;
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n') {
            const int octet = octet_of_hex(c, getchar());
            if (octet < 0 || n == sizeof data)
                return 2;
            data[n++] = (uint8_t)octet;
            continue;
        }
        uint8_t digest[20];
        cframe_sha1(data, n, digest);
        for (size_t i = 0; i < sizeof digest; i++)
            printf("%02x", digest[i]);
        printf(" %.*s\n", (int)cframe_base64_encode(data, n, base64), base64);
        n = 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--sha1") == 0)
        return answer_sha1();
    if (argc == 2 && strcmp(argv[1], "--quick") == 0) {
        quick = true;
    } else if (argc != 1) {
        fprintf(stderr, "usage: kernel_test [--quick | --sha1]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);

    for (cframe_kernel k = CFRAME_KERNEL_PLAIN; k <= CFRAME_KERNEL_NEON; k++) {
        const bool available = cframe_kernel_available(k) != 0;
        printf(
            "kernel %s: %s\n", cframe_kernel_name(k),
            available ? "tested" : "not on this machine, skipped");
        const cframe_kernel before = cframe_kernel_current();
        CHECK((cframe_kernel_use(k) == 0) == available, "kernel %d", (int)k);
        CHECK(cframe_kernel_current() == (available ? k : before), "kernel %d", (int)k);
        cframe_kernel_use(before);
    }
    const cframe_kernel none = (cframe_kernel)99;
    CHECK(cframe_kernel_use(none) != 0 && !cframe_kernel_available(none), "no such kernel");
    CHECK(strcmp(cframe_kernel_name(none), "unknown") == 0, "no such kernel");

    const struct {
        const char *name;
        void (*run)(void);
    } suites[] = {
        {"mask", test_mask},     {"utf8", test_utf8},           {"parse", test_parse},
        {"encode", test_encode}, {"handshake", test_handshake},
    };
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        const uint64_t before = checks;
        suites[i].run();
        printf("%s: %llu checks\n", suites[i].name, (unsigned long long)(checks - before));
    }
    printf(
        "kernel_test: %llu checks, %llu failures\n", (unsigned long long)checks,
        (unsigned long long)failures);
    return failures != 0;
}
