// SPDX-License-Identifier: Apache-2.0
#ifndef CYARDSTICK_SIMDUTF_H
#define CYARDSTICK_SIMDUTF_H

#include <stdbool.h>
#include <stddef.h>

/* simdutf::validate_utf8, or NULL. */
extern bool (*yardstick_simdutf)(const char *octets, size_t n)
    __attribute__((visibility("hidden")));

#endif
