/* Growing buffers and string lists.
 *
 * Both are zero-initialised values owned by whoever declares them; see str.h for limits. The parsers of
 * durations, sizes and near misses stand in parse.c. */
#include "base/str.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LIMIT = 64 * 1024 * 1024 };

static bool reserve(struct strbuf *buf, size_t more)
{
    size_t limit = size_or(buf->limit, DEFAULT_LIMIT);
    if (more > limit || buf->length > limit - more) {
        buf->full = true;
        return false;
    }
    size_t need = buf->length + more + 1;
    if (need <= buf->capacity)
        return true;
    size_t capacity = size_or(buf->capacity, 64);
    while (capacity < need)
        capacity *= 2;
    buf->data = xrealloc(buf->data, capacity);
    buf->capacity = capacity;
    return true;
}

bool strbuf_add(struct strbuf *buf, const void *data, size_t length)
{
    if (!reserve(buf, length))
        return false;
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
    return true;
}

bool strbuf_adds(struct strbuf *buf, const char *text)
{
    return strbuf_add(buf, text, strlen(text));
}

bool strbuf_addc(struct strbuf *buf, char c)
{
    return strbuf_add(buf, &c, 1);
}

bool strbuf_vaddf(struct strbuf *buf, const char *format, va_list args)
{
    cleanup_free char *text = xvasprintf(format, args);
    return strbuf_adds(buf, text);
}

bool strbuf_addf(struct strbuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ok = strbuf_vaddf(buf, format, args);
    va_end(args);
    return ok;
}

void strbuf_consume(struct strbuf *buf, size_t n)
{
    if (n >= buf->length) {
        strbuf_truncate(buf, 0);
        return;
    }
    memmove(buf->data, buf->data + n, buf->length - n);
    strbuf_truncate(buf, buf->length - n);
}

void strbuf_truncate(struct strbuf *buf, size_t length)
{
    if (length > buf->length || !buf->data)
        return;
    buf->length = length;
    buf->data[length] = '\0';
}

const char *strbuf_text(const struct strbuf *buf)
{
    return text_or_empty(buf->data);
}

char *strbuf_take(struct strbuf *buf)
{
    char *text = buf->data;
    if (!text)
        text = xstrdup("");
    *buf = (struct strbuf){.limit = buf->limit};
    return text;
}

void strbuf_free(struct strbuf *buf)
{
    free(buf->data);
    *buf = (struct strbuf){.limit = buf->limit};
}

void strlist_take(struct strlist *list, char *text)
{
    if (list->count + 2 > list->capacity) {
        list->capacity = grown(list->capacity, 8);
        list->items = xreallocarray(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void strlist_add(struct strlist *list, const char *text)
{
    strlist_take(list, xstrdup(text));
}

void strlist_addf(struct strlist *list, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    strlist_take(list, xvasprintf(format, args));
    va_end(args);
}

bool strlist_has(const struct strlist *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

void strlist_copy(struct strlist *to, const struct strlist *from)
{
    for (size_t i = 0; i < from->count; i++)
        strlist_add(to, from->items[i]);
}

void strlist_free(struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strlist){0};
}

static size_t find_name(const struct strlist *list, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->items[i], name, length) == 0 && list->items[i][length] == '=')
            return i;
    return list->count;
}

void strlist_setenv(struct strlist *list, const char *name, const char *value)
{
    char *entry = xasprintf("%s=%s", name, value);
    size_t i = find_name(list, name);
    if (i == list->count) {
        strlist_take(list, entry);
        return;
    }
    free(list->items[i]);
    list->items[i] = entry;
}

const char *strlist_getenv(const struct strlist *list, const char *name)
{
    size_t i = find_name(list, name);
    if (i == list->count)
        return NULL;
    return list->items[i] + strlen(name) + 1;
}
