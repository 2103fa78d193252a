/* One table of settings of a cache. See cache_settings.h. */
#include "client/cache_settings.h"
#include "client_base/fail.h"
#include "client_options/settings.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum shape { SHAPE_BOOL, SHAPE_COUNT, SHAPE_BYTES, SHAPE_SPAN, SHAPE_LONG_SPAN, SHAPE_PART };

struct cache_setting {
    const char *name;
    enum shape shape;
    size_t offset;
};

/* Where a member is, which must be of that type. */
#define AT(type, member)                                                                                     \
    (offsetof(struct cache_told, member) + 0 * sizeof(&((struct cache_told *)0)->member == (type *)0))

#define OF_ENTRIES "DefaultEntryOptions:"

static const struct cache_setting rows[] = {
    {"StrictWire", SHAPE_BOOL, AT(bool, options.strict_wire)},
    {"PreciseExpiry", SHAPE_BOOL, AT(bool, options.precise_expiry)},
    {"ReadFromReplica", SHAPE_BOOL, AT(bool, options.read_from_replica)},
    {"FailOpen", SHAPE_BOOL, AT(bool, options.fail_open)},
    {"BreakerFailures", SHAPE_COUNT, AT(int, options.breaker_failures)},
    {"BreakerPause", SHAPE_SPAN, AT(int, options.breaker_pause_ms)},
    {"Timeout", SHAPE_SPAN, AT(int, options.timeout_ms)},
    {"LocalCacheBytes", SHAPE_BYTES, AT(size_t, options.level_one_bytes)},
    {"LocalCacheExpiration", SHAPE_SPAN, AT(int, options.level_one_ms)},
    {"CompressAbove", SHAPE_BYTES, AT(size_t, options.compress_above)},
    {OF_ENTRIES "LocalCacheExpiration", SHAPE_SPAN, AT(int, options.level_one_ms)},
    {OF_ENTRIES "Expiration", SHAPE_LONG_SPAN, AT(int64_t, hybrid.expire_ms)},
    {OF_ENTRIES "Duration", SHAPE_LONG_SPAN, AT(int64_t, hybrid.expire_ms)},
    {OF_ENTRIES "JitterMaxDuration", SHAPE_LONG_SPAN, AT(int64_t, hybrid.jitter_ms)},
    {OF_ENTRIES "FailSafeMaxDuration", SHAPE_LONG_SPAN, AT(int64_t, hybrid.stale_ms)},
    {OF_ENTRIES "FailSafeThrottleDuration", SHAPE_SPAN, AT(int, hybrid.throttle_ms)},
    {OF_ENTRIES "FactorySoftTimeout", SHAPE_SPAN, AT(int, hybrid.soft_ms)},
    {OF_ENTRIES "FactoryHardTimeout", SHAPE_SPAN, AT(int, hybrid.hard_ms)},
    {OF_ENTRIES "EagerRefreshThreshold", SHAPE_PART, AT(int, hybrid.eager_percent)},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char *const type_names[] = {
    [SHAPE_BOOL] = "System.Boolean",  [SHAPE_COUNT] = "System.Int32",        [SHAPE_BYTES] = "System.Int64",
    [SHAPE_SPAN] = "System.TimeSpan", [SHAPE_LONG_SPAN] = "System.TimeSpan", [SHAPE_PART] = "System.Single",
};

static const size_t sizes[] = {
    [SHAPE_BOOL] = sizeof(bool), [SHAPE_COUNT] = sizeof(int),         [SHAPE_BYTES] = sizeof(size_t),
    [SHAPE_SPAN] = sizeof(int),  [SHAPE_LONG_SPAN] = sizeof(int64_t), [SHAPE_PART] = sizeof(int),
};

/* ---- Time spans ---- */

/* Digits at *text, at most so many: 0 with their number, -1. */
static int take_digits(const char **text, int most, int64_t *out)
{
    int count = 0;

    *out = 0;
    for (; isdigit((unsigned char)**text) && count < most; count++, ++*text)
        *out = *out * 10 + (**text - '0');
    if (count == 0 || isdigit((unsigned char)**text))
        return -1;
    return 0;
}

/* ".1234567" becomes 123. */
static int take_fraction(const char **text, int64_t *ms)
{
    const char *first = *text + 1;
    int64_t fraction;

    *ms = 0;
    if (**text != '.')
        return 0;
    ++*text;
    if (take_digits(text, 7, &fraction) < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        *ms *= 10;
        if (first < *text)
            *ms += *first++ - '0';
    }
    return 0;
}

/* Behind the hours. */
static int take_clock(const char **text, int64_t *ms)
{
    int64_t minutes, seconds = 0, fraction = 0;

    ++*text;
    if (take_digits(text, 2, &minutes) < 0 || minutes > 59)
        return -1;
    if (**text == ':') {
        ++*text;
        if (take_digits(text, 2, &seconds) < 0 || seconds > 59 || take_fraction(text, &fraction) < 0)
            return -1;
    }
    *ms += (minutes * 60 + seconds) * 1000 + fraction;
    return 0;
}

int span_parse(const char *text, int64_t *ms)
{
    const int64_t hour = 3600 * 1000, day = 24 * hour;
    int64_t first, hours;

    if (take_digits(&text, 8, &first) < 0)
        return -1;
    *ms = first * day;
    if (!*text)
        return 0;
    hours = first;
    if (*text == '.') {
        ++text;
        if (take_digits(&text, 2, &hours) < 0)
            return -1;
    } else {
        *ms = 0;
    }
    if (hours > 23 || *text != ':')
        return -1;
    *ms += hours * hour;
    if (take_clock(&text, ms) < 0 || *text)
        return -1;
    return 0;
}

/* ---- Values ---- */

static int parse_number(const char *text, int64_t most, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return -1;
    *out = strtoll(text, &end, 10);
    if (*end || *out > most)
        return -1;
    return 0;
}

/* "0.85" is 85; more than 0, less than 1. */
static int parse_part(const char *text, int64_t *percent)
{
    *percent = 0;
    if (strncmp(text, "0.", 2) != 0 || !isdigit((unsigned char)text[2]))
        return -1;
    text += 2;
    for (int i = 0; i < 2; i++) {
        *percent *= 10;
        if (isdigit((unsigned char)*text))
            *percent += *text++ - '0';
    }
    while (isdigit((unsigned char)*text))
        text++;
    if (*text || *percent == 0)
        return -1;
    return 0;
}

static int parse_span(const char *text, int64_t most, int64_t *ms)
{
    if (span_parse(text, ms) < 0 || *ms > most)
        return -1;
    return 0;
}

static int parse_bool(const char *text, int64_t *out)
{
    *out = strcasecmp(text, "true") == 0;
    if (!*out && strcasecmp(text, "false") != 0)
        return -1;
    return 0;
}

static int parse(enum shape shape, const char *text, int64_t *out)
{
    switch (shape) {
    case SHAPE_COUNT:
        return parse_number(text, INT_MAX, out);
    case SHAPE_BYTES:
        return parse_number(text, INT64_MAX - 1, out);
    case SHAPE_SPAN:
        return parse_span(text, INT_MAX, out);
    case SHAPE_LONG_SPAN:
        return parse_span(text, INT64_MAX, out);
    case SHAPE_PART:
        return parse_part(text, out);
    case SHAPE_BOOL:
        break;
    }
    return parse_bool(text, out);
}

static void put(struct cache_told *told, const struct cache_setting *row, int64_t value)
{
    void *at = (char *)told + row->offset;

    if (row->shape == SHAPE_BOOL)
        *(bool *)at = value != 0;
    else if (row->shape == SHAPE_BYTES)
        *(size_t *)at = (size_t)value;
    else if (row->shape == SHAPE_LONG_SPAN)
        *(int64_t *)at = value;
    else
        *(int *)at = (int)value;
}

/* All of them are nothing as zeros. */
static bool is_set(const struct cache_told *told, const struct cache_setting *row)
{
    static const char zeros[sizeof(int64_t)];

    return memcmp((const char *)told + row->offset, zeros, sizes[row->shape]) != 0;
}

/* ---- Sections ---- */

static int fill_from(struct cache_told *told, const struct apphost_config *config, const char *section,
                     struct apphost_error *error)
{
    char path[512];
    int64_t value;

    for (size_t i = 0; i < ROWS; i++) {
        snprintf(path, sizeof(path), "%s:%s", section, rows[i].name);
        const char *text = apphost_config_get(config, path);

        if (!text || !*text)
            continue;
        if (parse(rows[i].shape, text, &value) < 0)
            return fail_set(error, APPHOST_E_CONFIG, path,
                            "Failed to convert configuration value '%.100s' at '%.150s' to type '%s'.", text,
                            path, type_names[rows[i].shape]);
        put(told, &rows[i], value);
    }
    return 0;
}

int cache_settings_fill(struct cache_told *told, const struct apphost_config *config,
                        const char *const names[2], struct apphost_error *error)
{
    struct cache_told found = {0};
    char section[300];

    if (fill_from(&found, config, SETTINGS_SECTION, error) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        if (!names[i])
            continue;
        snprintf(section, sizeof(section), "%s:%.200s", SETTINGS_SECTION, names[i]);
        if (fill_from(&found, config, section, error) < 0)
            return -1;
    }
    for (size_t i = 0; i < ROWS; i++) {
        const struct cache_setting *row = &rows[i];

        if (!is_set(told, row) && is_set(&found, row))
            memcpy((char *)told + row->offset, (const char *)&found + row->offset, sizes[row->shape]);
    }
    return 0;
}
