// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "level.h"
#include "mask_plain.h"

void cframe_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    mask_plain(dst, src, n, key);
}
