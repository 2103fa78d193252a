/*
 * Which keys have big values, so that small calls do not wait behind these: a few slots of hashes, written by
 * whoever sees a value pass by. A wrong guess, from a full slot or an equal hash, costs a connection, nothing
 * else.
 */
#include "client_cache/cache.h"

enum dial_role big_keys_lane(struct apphost_cache *cache, const struct full_key *key)
{
    if (!atomic_load_explicit(&cache->has_big, memory_order_relaxed))
        return DIAL_PRIMARY;
    if (atomic_load(&cache->big_keys[key->hash % BIG_KEYS]) == key->hash)
        return DIAL_BULK;
    return DIAL_PRIMARY;
}

void big_keys_note(struct apphost_cache *cache, const struct full_key *key, size_t len)
{
    bool is_big = len >= REDIS_BIG;

    if (!is_big && !atomic_load_explicit(&cache->has_big, memory_order_relaxed))
        return;
    uint64_t hash = key->hash;
    _Atomic uint64_t *slot = &cache->big_keys[hash % BIG_KEYS];
    if (is_big) {
        atomic_store(slot, hash);
        atomic_store(&cache->has_big, true);
    } else {
        atomic_compare_exchange_strong(slot, &hash, 0);
    }
}
