/* Compose's dialect of environment files. See dotenv.h. */
#include "base/dotenv.h"
#include "base/str.h"
#include "base/mem.h"

#include <ctype.h>
#include <string.h>

struct dotenv {
    const char *file;
    const char *p;
    int line;
    struct strbuf name, value;
    struct error *err;
};

static int fail(struct dotenv *d, int line, const char *what)
{
    error_set(d->err, ERROR_MANIFEST, "%s", what);
    error_at(d->err, d->file, line, 1);
    return -1;
}

static void skip_blanks(struct dotenv *d)
{
    while (*d->p == ' ' || *d->p == '\t' || *d->p == '\r')
        d->p++;
}

static void skip_line(struct dotenv *d)
{
    d->p += strcspn(d->p, "\n");
}

/* Any letter of any language. */
static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || (c && strchr("_.-[]", c));
}

static int read_name(struct dotenv *d)
{
    if (str_starts(d->p, "export") && isblank((unsigned char)d->p[6])) {
        d->p += 6;
        skip_blanks(d);
    }
    size_t length = 0;
    while (is_name_byte(d->p[length]))
        length++;
    if (!length)
        return fail(d, d->line, "expected NAME=value");
    strbuf_truncate(&d->name, 0);
    strbuf_add(&d->name, d->p, length);
    d->p += length;
    skip_blanks(d);
    return 0;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* "\0" and three octal digits name a character, as `echo` has it; a NUL is none. 0 when it is no such thing.
 */
static unsigned octal_at(const char *p)
{
    if (p[0] != '0' || !is_octal(p[1]) || !is_octal(p[2]) || !is_octal(p[3]))
        return 0;
    unsigned code = (unsigned)(p[1] - '0') * 64 + (unsigned)(p[2] - '0') * 8 + (unsigned)(p[3] - '0');
    if (code <= 0xFF)
        return code;
    return 0;
}

static void add_code(struct dotenv *d, unsigned code)
{
    if (code < 0x80) {
        strbuf_addc(&d->value, (char)code);
        return;
    }
    strbuf_addc(&d->value, (char)(0xC0 | code >> 6));
    strbuf_addc(&d->value, (char)(0x80 | (code & 0x3F)));
}

/* d->p stands on what follows a backslash in double quotes, and stays on the last character of it. */
static void add_escape(struct dotenv *d)
{
    static const char from[] = "abfnrtv\"\\$", to[] = "\a\b\f\n\r\t\v\"\\$";
    const char *at = strchr(from, *d->p);
    unsigned code = octal_at(d->p);
    if (code) {
        add_code(d, code);
        d->p += 3;
        return;
    }
    if (!at)
        strbuf_addc(&d->value, '\\');
    char meant = *d->p;
    if (at)
        meant = to[at - from];
    strbuf_addc(&d->value, meant);
}

/* In single quotes a backslash has a meaning before a quote only; two of them stay two, and hide none. */
static void add_literal(struct dotenv *d)
{
    if (*d->p == '\\' && d->p[1] == '\\')
        strbuf_addc(&d->value, *d->p++);
    else if (*d->p == '\\' && d->p[1] == '\'')
        d->p++;
    strbuf_addc(&d->value, *d->p);
}

static int read_quoted(struct dotenv *d, char quote)
{
    int start = d->line;

    for (d->p++; *d->p != quote; d->p++) {
        if (!*d->p)
            return fail(d, start,
                        "this quote is never closed (\\ before a quote makes it part of the value)");
        d->line += *d->p == '\n';
        bool is_escape = quote == '"' && *d->p == '\\' && d->p[1] && d->p[1] != '\n';
        if (is_escape) {
            d->p++;
            add_escape(d);
        } else if (quote == '\'') {
            add_literal(d);
        } else {
            strbuf_addc(&d->value, *d->p);
        }
    }

    d->p++;
    skip_blanks(d);
    if (*d->p && *d->p != '\n' && *d->p != '#')
        return fail(d, d->line, "text after the closing quote");
    skip_line(d);
    return 0;
}

static int read_plain(struct dotenv *d)
{
    size_t length = strcspn(d->p, "\n");
    for (size_t i = 0; i < length; i++)
        if (d->p[i] == '#' && (i == 0 || isblank((unsigned char)d->p[i - 1]))) {
            length = i;
            break;
        }
    size_t kept = length;
    while (kept && isspace((unsigned char)d->p[kept - 1]))
        kept--;
    strbuf_add(&d->value, d->p, kept);
    skip_line(d);
    return 0;
}

static int read_value(struct dotenv *d)
{
    strbuf_truncate(&d->value, 0);
    d->p++;
    skip_blanks(d);
    if (*d->p == '\'' || *d->p == '"')
        return read_quoted(d, *d->p);
    return read_plain(d);
}

static int read_line(struct dotenv *d, dotenv_pair *pair, void *data)
{
    skip_blanks(d);
    if (!*d->p || *d->p == '\n' || *d->p == '#') {
        skip_line(d);
        return 0;
    }

    int line = d->line;
    if (read_name(d) < 0)
        return -1;
    bool alone = !*d->p || *d->p == '\n' || *d->p == '#';
    if (!alone && *d->p != '=' && *d->p != ':')
        return fail(d, line, "expected = after the name");
    if (alone)
        skip_line(d);
    else if (read_value(d) < 0)
        return -1;
    const char *value = NULL;
    if (!alone)
        value = strbuf_text(&d->value);
    pair(strbuf_text(&d->name), value, line, data);
    return 0;
}

int dotenv_read(const char *file, const char *text, dotenv_pair *pair, void *data, struct error *err)
{
    struct dotenv d = {.file = file, .p = text, .line = 1, .err = err};
    int rc = 0;
    while (rc == 0 && *d.p) {
        rc = read_line(&d, pair, data);
        if (rc == 0 && *d.p == '\n') {
            d.p++;
            d.line++;
        }
    }
    mem_wipe(d.value.data, d.value.capacity);
    strbuf_free(&d.name);
    strbuf_free(&d.value);
    return rc;
}
