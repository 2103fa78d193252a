/* Level one: a hash table, SIEVE's queue, and locks that readers do not share. See level.h. */
#include "client_cache/level.h"
#include "client_base/clock.h"
#include "client_base/lock.h"
#include "client_cache/value.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 32, EPOCHS = 1024, FIRST_BUCKETS = 1024, LARGEST_PART = 8, LINE = 64 };

struct level_entry {
    struct level_entry *chain;
    struct level_entry *newer, *older;
    uint64_t hash;
    int64_t until_ms;
    uint32_t generation; /* that it was put in */
    atomic_bool is_marked;
    bool is_mark, is_kept;
    size_t key_len, len;
    char bytes[]; /* the key, the value */
};

/* Alone on its cache line. */
struct level_slot {
    _Alignas(LINE) pthread_mutex_t lock;
    uint64_t hits;
};

struct level {
    struct level_slot slots[SLOTS];
    _Atomic size_t users;
    _Atomic uint32_t generation; /* odd: open */
    _Atomic uint32_t epochs[EPOCHS];
    size_t limit, bytes, count;
    uint64_t evicted;
    size_t bucket_count; /* a power of two */
    struct level_entry **buckets;
    struct level_entry *newest, *oldest, *hand;
};

/* ---- Locks ---- */

static struct level_slot *own_slot(struct level *level)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned number;

    if (!number)
        number = atomic_fetch_add(&threads, 1) + 1;
    return &level->slots[number % SLOTS];
}

static void take_all(struct level *level)
{
    for (size_t i = 0; i < SLOTS; i++)
        lock_take(&level->slots[i].lock);
}

static void drop_all(struct level *level)
{
    for (size_t i = 0; i < SLOTS; i++)
        lock_drop(&level->slots[i].lock);
}

/* ---- Life ---- */

struct level *level_new(size_t limit)
{
    struct level *level = aligned_alloc(LINE, (sizeof(*level) + LINE - 1) / LINE * LINE);

    if (!level)
        return NULL;
    memset(level, 0, sizeof(*level));
    level->buckets = calloc(FIRST_BUCKETS, sizeof(*level->buckets));
    if (!level->buckets) {
        free(level);
        return NULL;
    }
    level->bucket_count = FIRST_BUCKETS;
    level->limit = limit;
    for (size_t i = 0; i < SLOTS; i++)
        pthread_mutex_init(&level->slots[i].lock, NULL);
    atomic_store(&level->users, 1);
    return level;
}

struct level *level_hold(struct level *level)
{
    atomic_fetch_add(&level->users, 1);
    return level;
}

void level_release(struct level *level)
{
    if (!level || atomic_fetch_sub(&level->users, 1) > 1)
        return;
    level_clear(level);
    for (size_t i = 0; i < SLOTS; i++)
        pthread_mutex_destroy(&level->slots[i].lock);
    free(level->buckets);
    free(level);
}

/* ---- The table and the queue, under all locks ---- */

static struct level_entry **bucket_of(struct level *level, uint64_t hash)
{
    return &level->buckets[(hash ^ hash >> 32) & (level->bucket_count - 1)];
}

static size_t weight(const struct level_entry *entry)
{
    return sizeof(*entry) + sizeof(entry) + entry->key_len + entry->len;
}

static void unlink_queue(struct level *level, struct level_entry *entry)
{
    if (level->hand == entry)
        level->hand = entry->newer;
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        level->newest = entry->older;
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        level->oldest = entry->newer;
}

static void forget(struct level *level, struct level_entry **at)
{
    struct level_entry *entry = *at;

    *at = entry->chain;
    unlink_queue(level, entry);
    level->bytes -= weight(entry);
    level->count--;
    free(entry);
}

static void forget_entry(struct level *level, struct level_entry *entry)
{
    struct level_entry **at = bucket_of(level, entry->hash);

    while (*at != entry)
        at = &(*at)->chain;
    forget(level, at);
}

/* The hand passes by what was asked for since it last came. */
static void evict(struct level *level)
{
    struct level_entry *at = level->hand ? level->hand : level->oldest;

    while (atomic_load_explicit(&at->is_marked, memory_order_relaxed)) {
        atomic_store_explicit(&at->is_marked, false, memory_order_relaxed);
        at = at->newer ? at->newer : level->oldest;
    }
    level->hand = at;
    forget_entry(level, at);
    level->evicted++;
}

static void grow(struct level *level)
{
    size_t count = level->bucket_count * 2;
    struct level_entry **buckets = calloc(count, sizeof(*buckets));

    if (!buckets)
        return; /* longer chains */
    free(level->buckets);
    level->buckets = buckets;
    level->bucket_count = count;
    for (struct level_entry *entry = level->oldest; entry; entry = entry->newer) {
        struct level_entry **bucket = bucket_of(level, entry->hash);

        entry->chain = *bucket;
        *bucket = entry;
    }
}

static void drop_hash(struct level *level, uint64_t hash)
{
    struct level_entry **at = bucket_of(level, hash);

    while (*at) {
        if ((*at)->hash == hash)
            forget(level, at);
        else
            at = &(*at)->chain;
    }
}

static void insert(struct level *level, struct level_entry *entry)
{
    struct level_entry **bucket;

    drop_hash(level, entry->hash);
    while (level->oldest && level->bytes + weight(entry) > level->limit)
        evict(level);
    if (level->count >= level->bucket_count)
        grow(level);
    bucket = bucket_of(level, entry->hash);
    entry->chain = *bucket;
    *bucket = entry;
    entry->older = level->newest;
    if (level->newest)
        level->newest->newer = entry;
    else
        level->oldest = entry;
    level->newest = entry;
    level->bytes += weight(entry);
    level->count++;
}

/* ---- Reading ---- */

static struct level_entry *find(struct level *level, const struct level_key *key)
{
    struct level_entry *at = *bucket_of(level, key->hash);

    while (at && (at->hash != key->hash || at->is_mark != key->is_mark || at->key_len != key->len ||
                  (key->len > 0 && memcmp(at->bytes, key->data, key->len) != 0)))
        at = at->chain;
    return at;
}

bool level_get(struct level *level, const struct level_key *key, struct apphost_value *value)
{
    struct level_slot *slot = own_slot(level);
    bool is_hit = false;

    lock_take(&slot->lock);
    struct level_entry *entry = find(level, key);
    if (entry && entry->until_ms > clock_ms() && entry->generation == atomic_load(&level->generation))
        is_hit = value_copy(value, entry->bytes + entry->key_len, entry->len) == 0;
    if (is_hit) {
        slot->hits += !key->is_mark;
        if (!atomic_load_explicit(&entry->is_marked, memory_order_relaxed))
            atomic_store_explicit(&entry->is_marked, true, memory_order_relaxed);
    }
    lock_drop(&slot->lock);
    return is_hit;
}

bool level_recall(struct level *level, const struct level_key *key, struct apphost_value *value)
{
    struct level_slot *slot = own_slot(level);
    bool is_there = false;

    lock_take(&slot->lock);
    const struct level_entry *entry = find(level, key);
    if (entry && entry->is_kept)
        is_there = value_copy(value, entry->bytes + entry->key_len, entry->len) == 0;
    lock_drop(&slot->lock);
    return is_there;
}

/* ---- Keeping it right ---- */

bool level_is_open(const struct level *level)
{
    return atomic_load(&level->generation) % 2 == 1;
}

uint64_t level_ticket(struct level *level, uint64_t hash)
{
    uint32_t generation = atomic_load(&level->generation);

    if (generation % 2 == 0)
        return 0;
    return (uint64_t)generation << 32 | atomic_load(&level->epochs[hash % EPOCHS]);
}

void level_open(struct level *level)
{
    if (level_is_open(level))
        return;
    level_clear(level);
    atomic_fetch_add(&level->generation, 1);
}

/* What is put meanwhile looks at the generation under the locks: it is refused, or dropped here. */
void level_shut(struct level *level)
{
    if (level_is_open(level))
        atomic_fetch_add(&level->generation, 1);
    take_all(level);
    for (struct level_entry *at = level->oldest, *newer; at; at = newer) {
        newer = at->newer;
        if (!at->is_kept)
            forget_entry(level, at);
    }
    drop_all(level);
}

static struct level_entry *make_entry(const struct level_key *key, const struct apphost_value *value,
                                      int64_t ttl_ms)
{
    int64_t now = clock_ms();
    struct level_entry *entry = calloc(1, sizeof(*entry) + key->len + value->len);

    if (!entry)
        return NULL;
    entry->hash = key->hash;
    entry->until_ms = ttl_ms < INT64_MAX - now ? now + ttl_ms : INT64_MAX;
    entry->is_mark = key->is_mark;
    entry->is_kept = key->is_kept;
    entry->key_len = key->len;
    entry->len = value->len;
    if (key->len > 0)
        memcpy(entry->bytes, key->data, key->len);
    if (value->len > 0)
        memcpy(entry->bytes + key->len, value->data, value->len);
    return entry;
}

void level_put(struct level *level, const struct level_key *key, const struct apphost_value *value,
               int64_t ttl_ms, uint64_t ticket)
{
    size_t largest = level->limit / LARGEST_PART;

    if (!ticket || ttl_ms <= 0 || ticket != level_ticket(level, key->hash))
        return;
    if (key->len > largest || value->len > largest - key->len)
        return;
    struct level_entry *entry = make_entry(key, value, ttl_ms);
    if (!entry)
        return;
    take_all(level);
    /* Whoever drops counts first and looks afterwards: one of the two sees the other. */
    bool is_current = ticket == level_ticket(level, key->hash) && weight(entry) <= level->limit;
    entry->generation = (uint32_t)(ticket >> 32);
    if (is_current)
        insert(level, entry);
    drop_all(level);
    if (!is_current)
        free(entry);
}

static bool has_hash(struct level *level, uint64_t hash)
{
    struct level_slot *slot = own_slot(level);

    lock_take(&slot->lock);
    const struct level_entry *at = *bucket_of(level, hash);
    while (at && at->hash != hash)
        at = at->chain;
    lock_drop(&slot->lock);
    return at != NULL;
}

void level_drop(struct level *level, uint64_t hash)
{
    atomic_fetch_add(&level->epochs[hash % EPOCHS], 1);
    if (!has_hash(level, hash))
        return;
    take_all(level);
    drop_hash(level, hash);
    drop_all(level);
}

void level_clear(struct level *level)
{
    for (size_t i = 0; i < EPOCHS; i++)
        atomic_fetch_add(&level->epochs[i], 1);
    take_all(level);
    while (level->oldest)
        forget_entry(level, level->oldest);
    drop_all(level);
}

void level_stats(struct level *level, struct level_stats *stats)
{
    *stats = (struct level_stats){0};
    take_all(level);
    for (size_t i = 0; i < SLOTS; i++)
        stats->hits += level->slots[i].hits;
    stats->evicted = level->evicted;
    stats->entries = level->count;
    stats->bytes = level->bytes;
    drop_all(level);
}
