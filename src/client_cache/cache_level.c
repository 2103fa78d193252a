/*
 * How a cache uses its level one: asked before the server, filled with what the server answered, and told of
 * every write of this process when its reply has come, so that whoever wrote reads what was written. What
 * others write is told by the server (tracking.c).
 *
 * Entries with a sliding window are not kept: a read that stays here would not start the window anew.
 */
#include "client_cache/cache.h"
#include "client_base/fail.h"
#include "client_cache/tracking.h"

enum { LONGEST_MS = 300000 }; /* as HybridCache's */

int level_one_init(struct apphost_cache *cache, struct apphost_error *error)
{
    if (cache->options.level_one_bytes == 0 || cache->options.read_from_replica)
        return 0; /* a replica may still answer what was overwritten, after that was told */
    cache->level = level_new(cache->options.level_one_bytes);
    if (cache->level)
        return 0;
    return fail_memory(error);
}

/* With the first question, for nothing is connected before. It is tried once: what can fail is the
 * configuration, which every call then says, and memory. */
static void start(struct apphost_cache *cache)
{
    const struct apphost_bytes prefix = {cache->prefix, cache->prefix_len};

    if (!atomic_exchange(&cache->is_tracked, true))
        tracking_start(cache->redis, cache->level, prefix);
}

static int64_t longest_ms(const struct apphost_cache *cache)
{
    if (cache->options.level_one_ms > 0)
        return cache->options.level_one_ms;
    return LONGEST_MS;
}

static struct level_key key_of(const struct full_key *full)
{
    return (struct level_key){.data = full->data, .len = full->len, .hash = full->hash};
}

static struct level_key mark_of(const struct full_key *full)
{
    struct level_key key = key_of(full);

    key.is_mark = key.is_kept = true;
    return key;
}

bool level_one_get(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *value)
{
    const struct level_key key = key_of(full);

    return cache->level && level_get(cache->level, &key, value);
}

uint64_t level_one_ticket(struct apphost_cache *cache, const struct full_key *full)
{
    if (!cache->level)
        return 0;
    if (!atomic_load_explicit(&cache->is_tracked, memory_order_relaxed))
        start(cache);
    return level_ticket(cache->level, full->hash);
}

void level_one_put(struct apphost_cache *cache, const struct full_key *full, const struct reading *reading,
                   uint64_t ticket)
{
    struct level_key key = key_of(full);
    int64_t ttl_ms = longest_ms(cache);

    key.is_kept = reading->is_kept;
    if (!ticket || reading->is_sliding)
        return;
    if (reading->left_ms < ttl_ms)
        ttl_ms = reading->left_ms;
    level_put(cache->level, &key, &reading->value, ttl_ms, ticket);
}

bool level_one_get_mark(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *mark)
{
    const struct level_key key = mark_of(full);

    return cache->level && level_get(cache->level, &key, mark);
}

bool level_one_is_shut(const struct apphost_cache *cache)
{
    return cache->level && !level_is_open(cache->level);
}

bool level_one_recall(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *value)
{
    const struct level_key key = key_of(full);

    return cache->level && level_recall(cache->level, &key, value);
}

bool level_one_recall_mark(struct apphost_cache *cache, const struct full_key *full,
                           struct apphost_value *mark)
{
    const struct level_key key = mark_of(full);

    return cache->level && level_recall(cache->level, &key, mark);
}

void level_one_put_mark(struct apphost_cache *cache, const struct full_key *full,
                        const struct apphost_value *mark, uint64_t ticket)
{
    const struct level_key key = mark_of(full);

    if (ticket)
        level_put(cache->level, &key, mark, longest_ms(cache), ticket);
}

void level_one_forget(struct apphost_cache *cache, uint64_t hash)
{
    if (cache->level)
        level_drop(cache->level, hash);
}

void level_one_forget_writes(struct apphost_cache *cache, const struct writes *writes)
{
    for (size_t i = 0; cache->level && i < writes->count; i++)
        level_drop(cache->level, writes->items[i].key.hash);
}
