/* Compose's dialect of environment files. See dotenv.h. */
#include "manifest/dotenv.h"
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

static int read_name(struct dotenv *d)
{
    if (str_starts(d->p, "export") && isblank((unsigned char)d->p[6])) {
        d->p += 6;
        skip_blanks(d);
    }
    size_t length = 0;
    while (isalnum((unsigned char)d->p[length]) || (d->p[length] && strchr("_.-", d->p[length])))
        length++;
    if (!length || isdigit((unsigned char)*d->p))
        return fail(d, d->line, "expected NAME=value");
    strbuf_truncate(&d->name, 0);
    strbuf_add(&d->name, d->p, length);
    d->p += length;
    skip_blanks(d);
    return 0;
}

static void add_escape(struct dotenv *d, char c)
{
    static const char from[] = "nrt\"\\$", to[] = "\n\r\t\"\\$";
    const char *at = strchr(from, c);
    if (!at)
        strbuf_addc(&d->value, '\\');
    strbuf_addc(&d->value, at ? to[at - from] : c);
}

static int read_quoted(struct dotenv *d, char quote)
{
    int start = d->line;
    for (d->p++; *d->p != quote; d->p++) {
        if (!*d->p)
            return fail(d, start, "this quote is never closed");
        d->line += *d->p == '\n';
        if (quote == '"' && *d->p == '\\' && d->p[1] && d->p[1] != '\n')
            add_escape(d, *++d->p);
        else
            strbuf_addc(&d->value, *d->p);
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
    return *d->p == '\'' || *d->p == '"' ? read_quoted(d, *d->p) : read_plain(d);
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
    pair(strbuf_text(&d->name), alone ? NULL : strbuf_text(&d->value), line, data);
    return 0;
}

int manifest_dotenv(const char *file, const char *text, dotenv_pair *pair, void *data, struct error *err)
{
    struct dotenv d = {.file = file, .p = text, .line = 1, .err = err};
    if (str_starts(text, "\xEF\xBB\xBF"))
        d.p += 3;
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
