/*
 * Inside the library: what an entry looks like and how long it lives. Pure functions, the clock comes in as a
 * number.
 *
 * Ticks are .NET's: 100 ns since the year 1. Decoding takes any ticks; our own are whole milliseconds.
 */
#ifndef CLIENT_CACHE_ENTRY_H
#define CLIENT_CACHE_ENTRY_H

#include "resp/resp.h"

#include <apphost/cache.h>

enum { ENTRY_NONE = -1 };

/* What set writes. */
struct entry_plan {
    int64_t absolute_ticks, sliding_ticks; /* ENTRY_NONE: none */
    bool has_ttl;
    int64_t ttl_ms; /* cut to whole seconds unless precise */
};

int entry_plan(struct apphost_expiry expiry, int64_t now_unix_ms, bool is_precise, struct entry_plan *plan,
               struct apphost_error *error);

/* What get reads: the fields absexp and sldexp of an HMGET; a missing one is none. */
struct entry_times {
    int64_t absolute_ticks, sliding_ticks;
};

int entry_decode(const struct resp_reply *absolute, const struct resp_reply *sliding,
                 struct entry_times *times, struct apphost_error *error);

/* The new time to live after an access; false when the entry does not slide. It may be zero or negative:
 * delete. */
bool entry_slide(const struct entry_times *times, int64_t now_unix_ms, int64_t *ttl_ms);

/* Milliseconds until the absolute end, which it has. */
int64_t entry_left(const struct entry_times *times, int64_t now_unix_ms);

/* EXPIRE with seconds when they are whole, else PEXPIRE with milliseconds, as the original chooses. */
const char *entry_expire_command(int64_t ttl_ms, char number[24]);

#endif
