// SPDX-License-Identifier: Apache-2.0
#include "CRing.h"

#include <stdlib.h> /* defines __GLIBC__ */

#ifdef __GLIBC__
#include <malloc.h>
#endif

void
cring_keep_freed(size_t octets)
{
#ifdef __GLIBC__
    const size_t most = (size_t)1 << 30;
    int kept = (int)(octets < most ? octets : most);
    mallopt(M_TRIM_THRESHOLD, kept);
    /* Otherwise it would stay where the last setting of the other put it. */
    mallopt(M_MMAP_THRESHOLD, kept / 4);
#else
    (void)octets;
#endif
}
