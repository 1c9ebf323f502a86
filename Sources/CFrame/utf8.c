// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "level.h"
#include "utf8_plain.h"

int32_t cframe_utf8(const uint8_t *src, size_t n, uint32_t *tail)
{
    *tail = utf8_plain(src, n, *tail);
    return *tail == UTF8_INVALID;
}
