/* See redis_print.h. The codec bounds the depth of a reply, so recursion is safe. */
#include "console/redis_print.h"

#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- for a terminal ---- */

static void add_quoted(struct strbuf *out, const char *text, size_t length)
{
    static const char pairs[] = "\\\\\"\"\nn\rr\tt\aa\bb";
    strbuf_addc(out, '"');
    for (size_t i = 0; i < length; i++) {
        const char *pair = pairs;
        while (*pair && *pair != text[i])
            pair += 2;
        if (*pair && text[i])
            strbuf_addf(out, "\\%c", pair[1]);
        else if (isprint((unsigned char)text[i]))
            strbuf_addc(out, text[i]);
        else
            strbuf_addf(out, "\\x%02x", (unsigned char)text[i]);
    }
    strbuf_addc(out, '"');
}

/* Text that a server shows as it is, for a terminal: lines stay lines, and nothing in it can steer that. */
static void add_tame(struct strbuf *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_line_end = c == '\r' && i + 1 < length && text[i + 1] == '\n';
        bool is_c1 = c == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] < 0xa0;
        bool is_control = c < 0x20 || c == 0x7f || is_c1;
        if (c == '\n' || c == '\t' || is_line_end || !is_control)
            strbuf_addc(out, text[i]);
        else
            strbuf_addf(out, "\\x%02x", c);
    }
}

static void add_tty(struct strbuf *out, const struct resp_reply *reply, const char *indent);

static const char *empty_words(enum resp_type type)
{
    if (type == RESP_MAP)
        return "(empty hash)\n";
    if (type == RESP_SET)
        return "(empty set)\n";
    if (type == RESP_PUSH)
        return "(empty push)\n";
    return "(empty array)\n";
}

static int digits_of(size_t number)
{
    int digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

/* What stands behind an element's number. */
static char mark_of(enum resp_type type)
{
    if (type == RESP_MAP)
        return '#';
    if (type == RESP_SET)
        return '~';
    return ')';
}

static const char *truth(const struct resp_reply *reply)
{
    if (reply->integer)
        return "true";
    return "false";
}

/* "1) first\n2) second\n": what an element itself spreads over lines stands under its beginning. */
static void add_elements(struct strbuf *out, const struct resp_reply *reply, const char *indent)
{
    bool is_map = reply->type == RESP_MAP;
    size_t step = 1U + is_map, count = reply->count / step;
    int width = digits_of(count);
    char mark = mark_of(reply->type);
    cleanup_free char *deeper = xasprintf("%s%*s", indent, width + 2, "");

    if (!count)
        strbuf_adds(out, empty_words(reply->type));
    for (size_t i = 0; i < count; i++) {
        strbuf_addf(out, "%s%*zu%c ", text_if(i, indent), width, i + 1, mark);
        add_tty(out, &reply->elements[step * i], deeper);
        if (!is_map)
            continue;
        strbuf_truncate(out, out->length - 1);
        strbuf_adds(out, " => ");
        add_tty(out, &reply->elements[2 * i + 1], deeper);
    }
}

static void add_tty(struct strbuf *out, const struct resp_reply *reply, const char *indent)
{
    switch (reply->type) {
    case RESP_NIL:
        strbuf_adds(out, "(nil)\n");
        return;
    case RESP_ERROR:
        strbuf_adds(out, "(error) ");
        add_tame(out, reply->str, reply->len);
        strbuf_addc(out, '\n');
        return;
    case RESP_INTEGER:
        strbuf_addf(out, "(integer) %lld\n", reply->integer);
        return;
    case RESP_DOUBLE:
        strbuf_adds(out, "(double) ");
        add_tame(out, reply->str, reply->len);
        strbuf_addc(out, '\n');
        return;
    case RESP_BOOL:
        strbuf_addf(out, "(%s)\n", truth(reply));
        return;
    case RESP_STRING:
        add_quoted(out, reply->str, reply->len);
        strbuf_addc(out, '\n');
        return;
    case RESP_STATUS:
    case RESP_BIGNUM:
    case RESP_VERBATIM:
        add_tame(out, reply->str, reply->len);
        strbuf_addc(out, '\n');
        return;
    case RESP_ARRAY:
    case RESP_MAP:
    case RESP_SET:
    case RESP_PUSH:
        add_elements(out, reply, indent);
    }
}

/* ---- raw ---- */

static void add_raw(struct strbuf *out, const struct resp_reply *reply)
{
    if (reply->type == RESP_INTEGER)
        strbuf_addf(out, "%lld", reply->integer);
    else if (reply->type == RESP_BOOL)
        strbuf_addf(out, "(%s)", truth(reply));
    else if (reply->str)
        strbuf_add(out, reply->str, reply->len);
    for (size_t i = 0; i < reply->count; i++) {
        if (i)
            strbuf_addc(out, '\n');
        add_raw(out, &reply->elements[i]);
    }
}

/* ---- JSON ---- */

static void add_json_text(struct strbuf *out, const char *text, size_t length)
{
    bool is_utf8 = str_is_utf8(text, length);
    strbuf_addc(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            strbuf_addf(out, "\\%c", c);
        else if (c == '\n')
            strbuf_adds(out, "\\n");
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
            strbuf_addf(out, "\\u%04x", c);
        else
            strbuf_addc(out, text[i]);
    }
    strbuf_addc(out, '"');
}

static void add_json(struct strbuf *out, const struct resp_reply *reply);

/* A key has to be a text. */
static void add_json_key(struct strbuf *out, const struct resp_reply *key)
{
    cleanup_strbuf struct strbuf text = {0};
    if (key->str) {
        add_json_text(out, key->str, key->len);
        return;
    }
    add_json(&text, key);
    add_json_text(out, strbuf_text(&text), text.length);
}

static void add_json_elements(struct strbuf *out, const struct resp_reply *reply)
{
    bool is_map = reply->type == RESP_MAP;
    strbuf_addc(out, is_map ? '{' : '[');
    for (size_t i = 0; i < reply->count; i++) {
        bool is_key = is_map && i % 2 == 0;
        if (i)
            strbuf_addc(out, is_map && !is_key ? ':' : ',');
        if (is_key)
            add_json_key(out, &reply->elements[i]);
        else
            add_json(out, &reply->elements[i]);
    }
    strbuf_addc(out, is_map ? '}' : ']');
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* What a server says may be more than JSON knows: inf and nan, but also ".5", "5.", "+1", "007". */
static bool is_json_number(const char *text)
{
    text += *text == '-';
    size_t whole = count_digits(text), part = 1;
    if (!whole || (*text == '0' && whole > 1))
        return false;

    text += whole;
    if (*text == '.') {
        part = count_digits(text + 1);
        text += 1 + part;
    }
    if (part && (*text == 'e' || *text == 'E')) {
        text += 1 + (text[1] == '-' || text[1] == '+');
        part = count_digits(text);
        text += part;
    }
    return part && !*text;
}

static void add_json(struct strbuf *out, const struct resp_reply *reply)
{
    switch (reply->type) {
    case RESP_NIL:
        strbuf_adds(out, "null");
        return;
    case RESP_BOOL:
        strbuf_adds(out, truth(reply));
        return;
    case RESP_INTEGER:
        strbuf_addf(out, "%lld", reply->integer);
        return;
    case RESP_ERROR:
        strbuf_adds(out, "{\"error\":");
        add_json_text(out, reply->str, reply->len);
        strbuf_addc(out, '}');
        return;
    case RESP_DOUBLE:
    case RESP_BIGNUM:
        if (is_json_number(reply->str))
            strbuf_adds(out, reply->str);
        else
            add_json_text(out, reply->str, reply->len);
        return;
    case RESP_STATUS:
    case RESP_STRING:
    case RESP_VERBATIM:
        add_json_text(out, reply->str, reply->len);
        return;
    case RESP_ARRAY:
    case RESP_MAP:
    case RESP_SET:
    case RESP_PUSH:
        add_json_elements(out, reply);
    }
}

void redis_print(struct strbuf *out, const struct resp_reply *reply, enum redis_form form)
{
    out->limit = SIZE_MAX / 2; /* the codec's limits hold already */
    if (form == REDIS_FORM_TTY) {
        add_tty(out, reply, "");
        return;
    }
    if (form == REDIS_FORM_RAW)
        add_raw(out, reply);
    else
        add_json(out, reply);
    strbuf_addc(out, '\n');
}

/* ---- texts ---- */

bool redis_print_is_text(const char *const *arguments, const size_t *lengths, size_t count)
{
    static const struct {
        const char *name, *second;
    } rows[] = {
        {"INFO", NULL},       {"LOLWUT", NULL},      {"CLIENT", "LIST"},   {"CLIENT", "INFO"},
        {"CLUSTER", "INFO"},  {"CLUSTER", "NODES"},  {"MEMORY", "DOCTOR"}, {"MEMORY", "MALLOC-STATS"},
        {"LATENCY", "GRAPH"}, {"LATENCY", "DOCTOR"}, {"DEBUG", "HTSTATS"}, {"DEBUG", "HTSTATS-KEY"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *words[] = {rows[i].name, rows[i].second};
        size_t matches = 0;
        for (size_t w = 0; w < 2 && w < count && words[w]; w++)
            matches += lengths[w] == strlen(words[w]) && !strncasecmp(arguments[w], words[w], lengths[w]);
        if (matches == (rows[i].second ? 2U : 1U))
            return true;
    }

    return false;
}
