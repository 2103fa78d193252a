/* The small choices that are made everywhere, each by its name: a text or its default, the smaller of two, a
 * plural's s.
 *
 * Nothing here owns or allocates anything; the texts that come back are those that were given. What chooses
 * between more than a value and its default says so with an if. */
#ifndef BASE_PICK_H
#define BASE_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that may be missing, or what stands for it. An empty text is there. */
static inline const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static inline const char *text_or_empty(const char *text)
{
    return text_or(text, "");
}

static inline const char *text_pick(bool is, const char *yes, const char *no)
{
    if (is)
        return yes;
    return no;
}

/* For what is only sometimes part of a sentence. */
static inline const char *text_if(bool is_said, const char *text)
{
    return text_pick(is_said, text, "");
}

/* "1 key", "2 keys": what follows the noun. */
static inline const char *plural_s(int64_t count)
{
    return text_if(count != 1, "s");
}

static inline int int_min(int a, int b)
{
    return a < b ? a : b;
}

static inline int int_max(int a, int b)
{
    return a > b ? a : b;
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

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Options in which zero means the default. */
static inline size_t size_or(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

static inline int int_or(int value, int otherwise)
{
    if (value)
        return value;
    return otherwise;
}

static inline int64_t int64_or(int64_t value, int64_t otherwise)
{
    if (value)
        return value;
    return otherwise;
}

/* The next capacity of an array that has no room left. */
static inline size_t grown(size_t capacity, size_t first)
{
    return size_or(capacity * 2, first);
}

#endif
