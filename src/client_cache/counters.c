/* What a cache counts. See cache.h. */
#include "client_cache/cache.h"
#include "client_base/pick.h"

void cache_count(struct apphost_cache *cache, enum cache_counter counter, uint64_t by)
{
    atomic_fetch_add_explicit(&cache->counters[counter], by, memory_order_relaxed);
}

void cache_count_read(struct apphost_cache *cache, bool is_hit)
{
    if (is_hit)
        cache_count(cache, COUNT_HITS, 1);
    else
        cache_count(cache, COUNT_MISSES, 1);
}

void cache_count_latency(struct apphost_cache *cache, int64_t elapsed_us)
{
    uint64_t us = (uint64_t)set_or(elapsed_us, 0), most = atomic_load(&cache->latency_max);
    size_t bucket = 0;

    while (bucket < APPHOST_LATENCY_BUCKETS - 1 && us >= (UINT64_C(1) << bucket))
        bucket++;
    cache_count(cache, COUNT_OPERATIONS, 1);
    cache_count(cache, COUNT_LATENCY, us);
    atomic_fetch_add_explicit(&cache->latency[bucket], 1, memory_order_relaxed);
    while (us > most && !atomic_compare_exchange_weak(&cache->latency_max, &most, us))
        ;
}
