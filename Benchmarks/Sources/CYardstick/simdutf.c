// SPDX-License-Identifier: Apache-2.0
#include "simdutf.h"
#include "CYardstick.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool (*yardstick_simdutf)(const char *octets, size_t n);

/* bool simdutf::validate_utf8(const char *, size_t), where size_t is unsigned long. Later releases
 * put it into an inline namespace or make it a template over a span; then it has another name. */
static const char symbol[] = "_ZN7simdutf13validate_utf8EPKcm";

static int fail(char *why, size_t capacity, const char *reason, const char *detail)
{
    snprintf(why, capacity, "%s%s", reason, detail ? detail : "unknown");
    return -1;
}

int yardstick_simdutf_open(const char *path, char *why, size_t capacity)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return fail(why, capacity, "it does not load: ", dlerror());
    void *found = dlsym(library, symbol);
    if (!found) {
        const int result = fail(why, capacity, "it has no ", symbol);
        dlclose(library);
        return result;
    }
    /* ISO C knows no conversion from an object's address to a function's. */
    memcpy(&yardstick_simdutf, &found, sizeof found);
    return 0;
}
