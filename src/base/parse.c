/* Small parsers over untrusted text: numbers, durations, sizes, UTF-8, near misses, safe printing. Declared
 * in str.h. */
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

bool str_eq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a, b) == 0;
}

char *str_lower(const char *text)
{
    char *copy = xstrdup(text);
    for (char *p = copy; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return copy;
}

bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *value = v;
    return true;
}

/* By the first byte of one that is no plain character; 0 when none begins so. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0xC0 || first >= 0xF8)
        return 0;
    if (first >= 0xF0)
        return 4;
    if (first >= 0xE0)
        return 3;
    return 2;
}

/* Decodes one sequence; returns its length, or 0 when it is invalid or cut. */
static size_t decode_utf8(const unsigned char *p, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80) {
        *code = p[0];
        return 1;
    }

    size_t n = sequence_length(p[0]);
    if (!n || n > left)
        return 0;
    uint32_t c = p[0] & (0x7FU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3FU);
    }
    *code = c;
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    return n;
}

bool str_is_utf8(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t n = decode_utf8(p + i, length - i, &code);
        if (!n || !code)
            return false;
        i += n;
    }
    return true;
}

static int code_width(uint32_t c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F))
        return 0;
    bool wide =
        (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
        (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
        (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
    return wide ? 2 : 1;
}

int str_width(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text);
    int width = 0;
    while (left) {
        uint32_t code = ' ';
        size_t n = decode_utf8(p, left, &code);
        if (!n) { /* shown as one mark */
            code = ' ';
            n = 1;
        }
        width += code_width(code);
        p += n;
        left -= n;
    }
    return width;
}

/* hh:mm:ss */
static bool parse_clock(const char *text, int64_t *ms)
{
    unsigned h, m, s;
    int end = 0;
    if (strspn(text, "0123456789:") != strlen(text) || strlen(text) > 9)
        return false;
    if (sscanf(text, "%u:%2u:%2u%n", &h, &m, &s, &end) != 3 || text[end] || m > 59 || s > 59)
        return false;
    *ms = ((int64_t)h * 3600 + m * 60 + s) * 1000;
    return true;
}

static int64_t unit_ms(const char *unit, size_t length)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, unit, length) == 0)
            return units[i].ms;
    return 0;
}

/* One "12.5s" of a duration; returns what follows, or NULL. */
static const char *parse_duration_part(const char *p, int64_t *total)
{
    const int64_t longest = (int64_t)1000 * 86400 * 36500;
    size_t digits = strspn(p, "0123456789.");
    size_t letters = strcspn(p + digits, "0123456789.");
    int64_t unit = unit_ms(p + digits, letters);
    char *end;
    double value = strtod(p, &end);
    if (!unit || digits > 18 || end != p + digits || value * (double)unit > (double)longest)
        return NULL;
    *total += (int64_t)(value * (double)unit + 0.5);
    if (*total > longest)
        return NULL;
    return p + digits + letters;
}

bool str_to_duration_ms(const char *text, int64_t *ms)
{
    int64_t seconds;

    if (str_to_int64(text, 0, (int64_t)86400 * 36500, &seconds)) {
        *ms = seconds * 1000;
        return true;
    }
    if (strchr(text, ':'))
        return parse_clock(text, ms);

    int64_t total = 0;
    const char *p = text;
    do {
        if (!isdigit((unsigned char)*p))
            return false;
        p = parse_duration_part(p, &total);
    } while (p && *p);
    if (!p)
        return false;
    *ms = total;
    return true;
}

bool str_to_size(const char *text, int64_t *bytes)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 15)
        return false;
    int64_t value = strtoll(text, NULL, 10), unit = 1;
    const char *suffix = text + digits;
    switch (tolower((unsigned char)*suffix)) {
    case 'k':
        unit = 1024;
        break;
    case 'm':
        unit = 1024 * 1024;
        break;
    case 'g':
        unit = 1024 * 1024 * 1024;
        break;
    case 'b':
    case '\0':
        break;
    default:
        return false;
    }
    suffix += unit > 1;
    suffix += tolower((unsigned char)*suffix) == 'b';
    if (*suffix || value > INT64_MAX / unit)
        return false;
    *bytes = value * unit;
    return true;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    return size_min(size_min(a, b), c);
}

/* Optimal string alignment distance; both texts are at most 63 bytes. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t row[3][65];
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

const char *str_nearest(const char *text, const char *const *candidates, size_t count)
{
    size_t length = strlen(text), best = length / 3 + 1;
    const char *found = NULL;
    if (!length || length > 63)
        return NULL;
    best = size_min(best, 3);
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i] || strlen(candidates[i]) > 63)
            continue;
        size_t distance = edit_distance(text, candidates[i]);
        if (distance < best || (distance == best && !found && distance < length)) {
            best = distance;
            found = candidates[i];
        }
    }
    return found;
}

char *str_printable(const char *text)
{
    struct strbuf out = {0};
    const unsigned char *p = (const unsigned char *)text;
    size_t left = strlen(text);

    while (left) {
        uint32_t code = 0;
        size_t n = decode_utf8(p, left, &code);
        bool hidden = !n || code < 0x20 || (code >= 0x7F && code < 0xA0) ||
                      (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        if (!hidden || code == '\t')
            strbuf_add(&out, p, n);
        else if (n > 1)
            strbuf_addf(&out, "\\u%04x", code);
        else
            strbuf_addf(&out, "\\x%02x", *p);
        n = size_max(n, 1);
        p += n;
        left -= n;
    }

    return strbuf_take(&out);
}

char *str_percent_encode(const char *text)
{
    struct strbuf out = {0};
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (isalnum(*p) || strchr("-._~", *p))
            strbuf_addc(&out, (char)*p);
        else
            strbuf_addf(&out, "%%%02X", *p);
    return strbuf_take(&out);
}
