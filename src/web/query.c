/* See query.h. */
#include "web/query.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static char *decode(const char *text, size_t length, bool plus_is_blank, size_t *decoded)
{
    char *out = xmalloc(length + 1);
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool is_escape = c == '%' && i + 2 < length && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
        if (is_escape) {
            c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        out[size++] = c;
    }

    out[size] = '\0';
    *decoded = size;
    return out;
}

/* The raw value; NULL: there is none. */
static const char *find(const char *query, const char *name, size_t *length)
{
    size_t wanted = strlen(name);
    while (*query) {
        size_t end = strcspn(query, "&");
        bool is_it = !strncmp(query, name, wanted) && (end == wanted || query[wanted] == '=');
        if (is_it && end >= wanted) {
            *length = 0;
            if (end > wanted)
                *length = end - wanted - 1;
            return query + end - *length;
        }
        query += end;
        query += *query == '&';
    }
    return NULL;
}

char *web_query_bytes(const char *query, const char *name, size_t *length)
{
    size_t raw = 0, decoded = 0;
    const char *value = find(query, name, &raw);
    if (!value)
        return NULL;
    char *bytes = decode(value, raw, true, &decoded);
    if (length)
        *length = decoded;
    return bytes;
}

int64_t web_query_int(const char *query, const char *name, int64_t fallback)
{
    cleanup_free char *text = web_query_bytes(query, name, NULL);
    int64_t value = fallback;
    if (text && !str_to_int64(text, 0, INT64_MAX, &value))
        return fallback;
    return value;
}

bool web_query_flag(const char *query, const char *name)
{
    cleanup_free char *text = web_query_bytes(query, name, NULL);
    return text && (!*text || !strcmp(text, "1"));
}

char *web_path_piece(const char *text, size_t length)
{
    size_t decoded = 0;
    char *piece = decode(text, length, false, &decoded);
    bool is_right = decoded > 0;
    for (size_t i = 0; i < decoded; i++)
        is_right = is_right && (unsigned char)piece[i] >= 0x20 && piece[i] != 0x7f;
    if (is_right)
        return piece;
    free(piece);
    return NULL;
}
