/* How long something may take. A limit is a number of milliseconds above zero, or FOREVER, spelled out where
 * it is meant. A zeroed limit is neither: somebody forgot to say, and limit_check() stops the program.
 *
 * Plain data; may stand in static tables. */
#ifndef LOOP_LIMIT_H
#define LOOP_LIMIT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct limit {
    int64_t ms;      /* above 0, unless it is for ever */
    bool is_forever; /* something else ends it: a signal, the user, the other side */
};

/* For initialisers, static ones too; LIMIT_MS() and FOREVER are the same as expressions. */
#define LIMIT_MS_INIT(number)                                                                                \
    {                                                                                                        \
        .ms = (number)                                                                                       \
    }
#define FOREVER_INIT                                                                                         \
    {                                                                                                        \
        .is_forever = true                                                                                   \
    }
#define LIMIT_MS(number) ((struct limit)LIMIT_MS_INIT(number))
#define FOREVER ((struct limit)FOREVER_INIT)

static inline bool limit_is_set(struct limit limit)
{
    return limit.is_forever || limit.ms > 0;
}

static inline void limit_check(struct limit limit)
{
    assert(limit_is_set(limit));
    (void)limit;
}

/* What somebody asked for (0: did not), or else this. */
static inline struct limit limit_or(int64_t asked_ms, struct limit otherwise)
{
    if (asked_ms > 0)
        return LIMIT_MS(asked_ms);
    return otherwise;
}

#endif
