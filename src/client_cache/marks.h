/*
 * Inside the library: what removes many entries at once without touching them. A mark is a moment: entries
 * that were created before it are gone. One a tag ("*": all entries), where HybridCache of .NET has them, as
 * the entries "__MSFT_HCT__<tag>" of eight bytes; and one hash, "__APPHOST_PREFIXES__", with a field for each
 * prefix of keys, of which .NET knows nothing.
 *
 * Who reads an entry needs the marks of its tags, all entries, and the prefixes: in the same round trip where
 * its caller says the tags, and from level one, where also those are kept that are not there.
 */
#ifndef CLIENT_CACHE_MARKS_H
#define CLIENT_CACHE_MARKS_H

#include "client_cache/payload.h"
#include "client_cache/cache.h"

struct removal_mark {
    bool is_list; /* the prefixes */
    struct full_key key;
    uint64_t ticket;
    struct apphost_value value; /* no data: not known yet */
    struct apphost_bytes tag;   /* the caller's */
    const char *argv[3];
    size_t lens[3];
};

struct marks {
    struct apphost_cache *cache;
    struct removal_mark *items;
    size_t count;
    bool is_recalled; /* set before: nobody is asked, what was known last counts */
};

/* Of these tags; and with `has_common` of all entries and of the prefixes. Nothing is to be freed after a
 * failure. */
int marks_init(struct marks *marks, struct apphost_cache *cache, const struct apphost_bytes *tags,
               size_t count, struct apphost_error *error);
int marks_add_common(struct marks *marks, struct apphost_error *error);
void marks_fini(struct marks *marks);

/* What has to be asked, of which there is room for all; the number of commands. */
size_t marks_ask(struct marks *marks, struct conn_command *commands);

/* The replies to those, from the first on. */
int marks_take(struct marks *marks, const struct replies *replies, size_t first, struct apphost_error *error);

bool marks_know(const struct marks *marks, struct apphost_bytes tag);

/* Whether one of them says that what was created then, under that key, is gone. */
bool marks_hide(const struct marks *marks, struct apphost_bytes key, int64_t created);

/* Ticks. */
int64_t marks_now(void);

#endif
