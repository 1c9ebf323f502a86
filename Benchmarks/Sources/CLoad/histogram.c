// SPDX-License-Identifier: Apache-2.0
#include "CLoad.h"

/* Buckets 0 to 63 are one nanosecond wide. From there on each doubling has 64: bucket 64 * (e + 1)
 * + m holds the times whose top seven bits are 1mmmmmm, shifted left by e. */
enum { BITS = 6, STEPS = 1 << BITS, BUCKETS = 64 * 40 };

static size_t bucket_of(uint64_t ns)
{
    if (ns < STEPS)
        return (size_t)ns;
    const unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - BITS;
    const size_t bucket = STEPS * ((size_t)shift + 1) + (size_t)(ns >> shift) - STEPS;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t top_of(size_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    const unsigned shift = (unsigned)(bucket / STEPS) - 1;
    return ((uint64_t)(STEPS + bucket % STEPS + 1) << shift) - 1;
}

void cload_histogram_add(cload_histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->total++;
}

uint64_t cload_histogram_quantile(const cload_histogram *histogram, double fraction)
{
    if (histogram->total == 0)
        return 0;
    const double wanted = fraction * (double)histogram->total;
    uint64_t seen = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += histogram->counts[i];
        if ((double)seen >= wanted && histogram->counts[i] != 0)
            return top_of(i);
    }
    return top_of(BUCKETS - 1);
}
