/* Expiration arithmetic of Microsoft.Extensions.Caching.StackExchangeRedis. */
#include "client_cache/entry.h"
#include "client_base/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_MS INT64_C(10000)
#define UNIX_EPOCH_TICKS INT64_C(621355968000000000)
#define LAST_UNIX_MS INT64_C(253402300799999)    /* the end of the year 9999, where .NET's calendar ends */
#define LONGEST_SPAN_MS INT64_C(922337203685477) /* TimeSpan.MaxValue */

static int check_range(const char *name, const char *what, int64_t value, int64_t most,
                       struct apphost_error *error)
{
    if (value <= 0)
        return fail_set(error, APPHOST_E_ARGUMENT, name, "The %s expiration value must be positive.", what);
    if (value > most)
        return fail_set(error, APPHOST_E_ARGUMENT, name, "The %s expiration value is out of range.", what);
    return 0;
}

static int check(const struct apphost_expiry *expiry, int64_t now, struct apphost_error *error)
{
    if (expiry->flags & ~(unsigned)(APPHOST_ABSOLUTE | APPHOST_RELATIVE | APPHOST_SLIDING))
        return fail_argument(error, "expiry", "has flags that nobody knows");
    if ((expiry->flags & APPHOST_RELATIVE) && check_range("AbsoluteExpirationRelativeToNow", "relative",
                                                          expiry->relative_ms, LAST_UNIX_MS - now, error) < 0)
        return -1;
    if ((expiry->flags & APPHOST_SLIDING) &&
        check_range("SlidingExpiration", "sliding", expiry->sliding_ms, LONGEST_SPAN_MS, error) < 0)
        return -1;
    if ((expiry->flags & APPHOST_ABSOLUTE) && expiry->absolute_unix_ms <= now)
        return fail_set(error, APPHOST_E_ARGUMENT, "AbsoluteExpiration",
                        "The absolute expiration value must be in the future.");
    if ((expiry->flags & APPHOST_ABSOLUTE) && expiry->absolute_unix_ms > LAST_UNIX_MS)
        return fail_set(error, APPHOST_E_ARGUMENT, "AbsoluteExpiration",
                        "The absolute expiration value is out of range.");
    return 0;
}

int entry_plan(struct apphost_expiry expiry, int64_t now_unix_ms, bool is_precise, struct entry_plan *plan,
               struct apphost_error *error)
{
    bool has_absolute = (expiry.flags & (APPHOST_ABSOLUTE | APPHOST_RELATIVE)) != 0;
    bool is_sliding = (expiry.flags & APPHOST_SLIDING) != 0;

    if (check(&expiry, now_unix_ms, error) < 0)
        return -1;
    int64_t end =
        expiry.flags & APPHOST_RELATIVE ? now_unix_ms + expiry.relative_ms : expiry.absolute_unix_ms;
    int64_t left = end - now_unix_ms;
    *plan = (struct entry_plan){ENTRY_NONE, ENTRY_NONE, has_absolute || is_sliding, 0};
    if (has_absolute)
        plan->absolute_ticks = UNIX_EPOCH_TICKS + end * TICKS_PER_MS;
    if (is_sliding)
        plan->sliding_ticks = expiry.sliding_ms * TICKS_PER_MS;
    plan->ttl_ms = expiry.sliding_ms;
    if (has_absolute && !(is_sliding && expiry.sliding_ms < left))
        plan->ttl_ms = left;
    if (!is_precise)
        plan->ttl_ms -= plan->ttl_ms % 1000;
    return 0;
}

static int decode_field(const struct resp_reply *field, const char *name, int64_t *ticks,
                        struct apphost_error *error)
{
    char *end;

    *ticks = ENTRY_NONE;
    if (field->type == RESP_NIL)
        return 0;
    if (field->type == RESP_STRING && field->len > 0 && field->len < 24) {
        *ticks = strtoll(field->str, &end, 10);
        if (end == field->str + field->len)
            return 0;
    }
    return fail_set(error, APPHOST_E_PROTOCOL, name,
                    "the field %s of the entry is not a number: no .NET cache wrote it", name);
}

int entry_decode(const struct resp_reply *absolute, const struct resp_reply *sliding,
                 struct entry_times *times, struct apphost_error *error)
{
    if (decode_field(absolute, "absexp", &times->absolute_ticks, error) < 0)
        return -1;
    return decode_field(sliding, "sldexp", &times->sliding_ticks, error);
}

int64_t entry_left(const struct entry_times *times, int64_t now_unix_ms)
{
    return times->absolute_ticks / TICKS_PER_MS - UNIX_EPOCH_TICKS / TICKS_PER_MS - now_unix_ms;
}

bool entry_slide(const struct entry_times *times, int64_t now_unix_ms, int64_t *ttl_ms)
{
    if (times->sliding_ticks == ENTRY_NONE)
        return false;
    *ttl_ms = times->sliding_ticks / TICKS_PER_MS;
    if (times->absolute_ticks != ENTRY_NONE) {
        int64_t left = entry_left(times, now_unix_ms);

        if (left < *ttl_ms)
            *ttl_ms = left;
    }
    /* Whatever is over ends at once: Garnet refuses times below zero, and zero deletes everywhere. */
    if (*ttl_ms < 0)
        *ttl_ms = 0;
    return true;
}

const char *entry_expire_command(int64_t ttl_ms, char number[24])
{
    bool is_whole = ttl_ms % 1000 == 0;

    snprintf(number, 24, "%" PRId64, is_whole ? ttl_ms / 1000 : ttl_ms);
    return is_whole ? "EXPIRE" : "PEXPIRE";
}
