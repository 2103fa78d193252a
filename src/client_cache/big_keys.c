/*
 * Which keys have big values, so that small calls do not wait behind these: a few slots of hashes, written by
 * whoever sees a value pass by. A wrong guess, from a full slot or an equal hash, costs a connection, nothing
 * else.
 */
#include "client_cache/cache.h"

static uint64_t hash_of(const struct full_key *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key->len; i++)
        hash = (hash ^ (unsigned char)key->data[i]) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

enum dial_role big_keys_role(struct apphost_cache *cache, const struct full_key *key)
{
    enum dial_role role = cache_read_role(cache);

    if (role != DIAL_PRIMARY || !atomic_load_explicit(&cache->has_big, memory_order_relaxed))
        return role;
    uint64_t hash = hash_of(key);
    return atomic_load(&cache->big_keys[hash % BIG_KEYS]) == hash ? DIAL_BULK : role;
}

void big_keys_note(struct apphost_cache *cache, const struct full_key *key, size_t len)
{
    bool is_big = len >= REDIS_BIG;

    if (!is_big && !atomic_load_explicit(&cache->has_big, memory_order_relaxed))
        return;
    uint64_t hash = hash_of(key);
    _Atomic uint64_t *slot = &cache->big_keys[hash % BIG_KEYS];
    if (is_big) {
        atomic_store(slot, hash);
        atomic_store(&cache->has_big, true);
    } else {
        atomic_compare_exchange_strong(slot, &hash, 0);
    }
}
