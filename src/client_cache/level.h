/*
 * Inside the library: level one, values kept in the process within a bound of bytes.
 *
 * Policy: SIEVE (Zhang et al., NSDI 2024). One queue by age; a hit only marks its entry, and a hand that
 * walks from the oldest to the newest takes the first that is not marked, unmarking the others. It keeps more
 * of what web caches ask for than LRU, and a hit moves nothing, so readers write nothing that they share.
 *
 * A reader takes a lock of its own thread's slot, whoever changes takes all slots: threads that read never
 * wait for each other.
 *
 * Kept right: whoever reads from the server takes a ticket *before*, and what it puts is refused when
 * anything about its key was dropped since. A level that is shut takes nothing and answers nothing. What was
 * put as kept stays until it is open again, within the bound, for those who ask what was known last.
 */
#ifndef CLIENT_CACHE_LEVEL_H
#define CLIENT_CACHE_LEVEL_H

#include <apphost/cache.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct level;

/* One reference. NULL when memory is out. It is shut. */
struct level *level_new(size_t limit);
struct level *level_hold(struct level *level);
void level_release(struct level *level);

/* Drops everything: nobody said what has changed meanwhile. */
void level_open(struct level *level);
/* Drops what is not kept. */
void level_shut(struct level *level);
bool level_is_open(const struct level *level);

struct level_key {
    const void *data;
    size_t len;
    uint64_t hash;
    bool is_mark; /* not the key's value, but what is known of it; dropped with it, and no hit */
    bool is_kept; /* of what is put: see level_recall() */
};

/* A copy, as a value of the caller's. */
bool level_get(struct level *level, const struct level_key *key, struct apphost_value *value);

/* What was known last of one that was put as kept, however old; also while the level is shut. */
bool level_recall(struct level *level, const struct level_key *key, struct apphost_value *value);

/* 0 while it is shut. */
uint64_t level_ticket(struct level *level, uint64_t hash);

/* For so many milliseconds. What is bigger than an eighth of the bound is not kept. */
void level_put(struct level *level, const struct level_key *key, const struct apphost_value *value,
               int64_t ttl_ms, uint64_t ticket);

/* All with that hash; all. */
void level_drop(struct level *level, uint64_t hash);
void level_clear(struct level *level);

struct level_stats {
    uint64_t hits, evicted;
    size_t entries, bytes;
};
void level_stats(struct level *level, struct level_stats *stats);

#endif
