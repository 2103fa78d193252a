/* Inside the library: small choices that have a name. */
#ifndef CLIENT_BASE_PICK_H
#define CLIENT_BASE_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was set, else what it is then; zero and less is not set. */
static inline int64_t set_or(int64_t value, int64_t otherwise)
{
    if (value > 0)
        return value;
    return otherwise;
}

static inline const void *bytes_or(const void *bytes, const void *otherwise)
{
    if (bytes)
        return bytes;
    return otherwise;
}

static inline const char *text_or(const char *text, const char *otherwise)
{
    if (text)
        return text;
    return otherwise;
}

static inline const char *text_or_empty(const char *text)
{
    return text_or(text, "");
}

static inline const char *pick(bool is, const char *yes, const char *no)
{
    if (is)
        return yes;
    return no;
}

static inline int64_t int64_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t int64_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of a result that is a number or -1: whether it failed, as 0 or -1. */
static inline int failed_or_0(int rc)
{
    if (rc < 0)
        return -1;
    return 0;
}

#endif
