/* Text tools of the library. */
#include "client_base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const void *data, size_t len)
{
    if (text->is_failed)
        return;
    if (len >= SIZE_MAX / 4 - text->len) {
        text->is_failed = true;
        return;
    }
    if (text->len + len + 1 > text->cap) {
        size_t cap = (text->len + len + 1) * 2;
        char *grown = realloc(text->data, cap);

        text->is_failed = !grown;
        if (!grown)
            return;
        text->data = grown;
        text->cap = cap;
    }
    if (len > 0)
        memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void text_adds(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
    char small[512], *large = NULL;
    va_list args;

    va_start(args, format);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof(small)) {
        text_add(text, small, (size_t)len);
        return;
    }
    va_start(args, format);
    len = vasprintf(&large, format, args);
    va_end(args);
    if (len < 0) {
        text->is_failed = true;
        return;
    }
    text_add(text, large, (size_t)len);
    free(large);
}

char *text_take(struct text *text)
{
    char *data;

    text_add(text, "", 0);
    if (text->is_failed) {
        text_drop(text);
        return NULL;
    }
    data = text->data;
    *text = (struct text){0};
    return data;
}

void text_drop(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

char *text_trimmed(const char *data, size_t len)
{
    while (len > 0 && isspace((unsigned char)data[0])) {
        data++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)data[len - 1]))
        len--;
    char *copy = malloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

const char *text_after(const char *text, char separator)
{
    const char *at = strchr(text, separator);

    if (!at)
        return NULL;
    return at + 1;
}

int text_to_int(const char *text, int *out)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    if (!isdigit((unsigned char)text[text[0] == '-' || text[0] == '+']))
        return -1;
    errno = 0;
    long value = strtol(text, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    if (*end || errno || value < INT_MIN || value > INT_MAX)
        return -1;
    *out = (int)value;
    return 0;
}

static int read_all(FILE *file, size_t limit, struct text *text)
{
    char piece[4096];
    size_t got;

    while ((got = fread(piece, 1, sizeof(piece), file)) > 0) {
        text_add(text, piece, got);
        if (text->is_failed || text->len > limit) {
            errno = EFBIG;
            if (text->is_failed)
                errno = ENOMEM;
            return -1;
        }
    }
    if (ferror(file))
        return -1;
    return 0;
}

int text_read_file(const char *path, size_t limit, char **out, size_t *len)
{
    struct text text = {0};
    FILE *file = fopen(path, "re");

    if (!file)
        return -1;
    int rc = read_all(file, limit, &text), saved = errno;
    fclose(file);
    errno = saved;
    *len = text.len;
    if (rc == 0 && !(*out = text_take(&text)))
        rc = -1;
    text_drop(&text);
    return rc;
}
