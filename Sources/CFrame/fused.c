// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "level.h"
#include "mask_plain.h"
#include "utf8_plain.h"

int32_t cframe_mask_utf8(
    uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, uint32_t *tail)
{
    mask_plain(dst, src, n, key);
    *tail = utf8_plain(dst, n, *tail);
    return *tail == UTF8_INVALID;
}
