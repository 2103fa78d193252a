/* Commands as text or as RESP, without a connection. See redis_data.h.
 *
 * Words of text are unescaped into one buffer; where they begin is kept as offsets until the line is done,
 * because the buffer moves while it grows. Words of RESP point into the input. */
#include "base/mem.h"
#include "base/pick.h"
#include "redis_data/redis_data.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LINE_LIMIT = 64 * 1024 * 1024,
    WORDS_LIMIT = 1024 * 1024,      /* of one command; Redis, networking.c */
    BULK_LIMIT = 512 * 1024 * 1024, /* proto-max-bulk-len */
    NUMBER_DIGITS = 12,
};

void redis_data_words_free(struct redis_data_words *words)
{
    free(words->arguments);
    free(words->lengths);
    free(words->starts);
    strbuf_free(&words->text);
    *words = (struct redis_data_words){0};
}

static void reserve(struct redis_data_words *words)
{
    if (words->count < words->capacity)
        return;
    words->capacity = grown(words->capacity, 16);
    words->arguments = xreallocarray(words->arguments, words->capacity, sizeof *words->arguments);
    words->lengths = xreallocarray(words->lengths, words->capacity, sizeof *words->lengths);
    words->starts = xreallocarray(words->starts, words->capacity, sizeof *words->starts);
}

/* ---- text ---- */

struct split_line {
    const char *at, *end, *begin;
    struct strbuf *out;
    struct error *err;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static char escaped(char c)
{
    static const char pairs[] = "n\nr\rt\tb\ba\a";
    for (const char *pair = pairs; *pair; pair += 2)
        if (*pair == c)
            return pair[1];
    return c;
}

/* Behind a backslash inside double quotes. */
static void take_escape(struct split_line *line)
{
    const char *at = line->at;
    if (line->end - at >= 3 && *at == 'x' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        strbuf_addc(line->out, (char)(hex_value(at[1]) * 16 + hex_value(at[2])));
        line->at += 3;
        return;
    }
    strbuf_addc(line->out, escaped(*at));
    line->at++;
}

static int take_quoted(struct split_line *line, char quote)
{
    long column = line->at - line->begin + 1;

    for (line->at++; line->at < line->end && *line->at != quote;) {
        bool escapes = *line->at == '\\' && line->end - line->at > 1 && (quote == '"' || line->at[1] == '\'');
        if (escapes) {
            line->at++;
            take_escape(line);
        } else {
            strbuf_addc(line->out, *line->at++);
        }
    }
    if (line->at == line->end)
        return error_set(line->err, ERROR_USAGE, "the quotes that open in column %ld are not closed", column);

    line->at++;
    if (line->at < line->end && !is_blank(*line->at))
        return error_set(line->err, ERROR_USAGE, "no blank after the closing quote in column %ld",
                         (long)(line->at - line->begin));

    return 0;
}

static int take_word(struct split_line *line)
{
    while (line->at < line->end && !is_blank(*line->at)) {
        if (*line->at != '"' && *line->at != '\'')
            strbuf_addc(line->out, *line->at++);
        else if (take_quoted(line, *line->at))
            return -1;
    }
    return 0;
}

int redis_data_split(struct redis_data_words *words, const char *text, size_t length, struct error *err)
{
    struct split_line line = {
        .at = text, .begin = text, .end = text + length, .out = &words->text, .err = err};

    words->count = 0;
    words->text.limit = LINE_LIMIT + 1;
    strbuf_truncate(&words->text, 0);

    for (;;) {
        while (line.at < line.end && is_blank(*line.at))
            line.at++;
        if (line.at == line.end)
            break;
        reserve(words);
        words->starts[words->count] = words->text.length;
        if (take_word(&line))
            return -1;
        words->lengths[words->count] = words->text.length - words->starts[words->count];
        words->count++;
    }

    for (size_t i = 0; i < words->count; i++)
        words->arguments[i] = strbuf_text(&words->text) + words->starts[i];
    if (words->text.full)
        return error_set(err, ERROR_USAGE, "the line is too long");
    return 0;
}

static int read_line(struct redis_data_words *words, const char *bytes, size_t size, bool is_end,
                     size_t *used, struct error *err)
{
    const char *newline = memchr(bytes, '\n', size);
    size_t length = size;
    if (newline)
        length = (size_t)(newline - bytes);
    if (length > LINE_LIMIT)
        return error_set(err, ERROR_USAGE, "a line is longer than %d MiB", LINE_LIMIT / 1024 / 1024);
    if (!newline && !is_end)
        return 0;

    *used = length + (newline != NULL);
    const char *at = bytes, *end = bytes + length;
    while (at < end && is_blank(*at))
        at++;
    words->count = 0;
    if (at < end && *at == '#')
        return 1;
    if (redis_data_split(words, bytes, length, err))
        return -1;

    return 1;
}

/* ---- RESP ---- */

struct resp_scan {
    const char *bytes;
    size_t at, length;
    struct error *err;
};

static int broken(const struct resp_scan *scan)
{
    return error_set(scan->err, ERROR_USAGE, "the protocol is broken at byte %zu of a command", scan->at);
}

/* "<mark><number>\r\n": 1 with *number, 0 when it is cut off, -1. */
static int take_number(struct resp_scan *scan, char mark, int64_t most, int64_t *number)
{
    char digits[NUMBER_DIGITS + 1];
    size_t n = 0;
    if (scan->at < scan->length && scan->bytes[scan->at] != mark)
        return broken(scan);

    for (size_t i = scan->at + 1; i < scan->length; i++, n++) {
        digits[n] = scan->bytes[i];
        if (digits[n] == '\r' && i + 1 == scan->length)
            return 0;
        if (digits[n] == '\r') {
            digits[n] = '\0';
            if (scan->bytes[i + 1] != '\n' || !str_to_int64(digits, 0, most, number))
                return broken(scan);
            scan->at = i + 2;
            return 1;
        }
        if (n == NUMBER_DIGITS)
            return broken(scan);
    }

    return 0;
}

static int take_bulk(struct resp_scan *scan, struct redis_data_words *words)
{
    int64_t size = 0;
    int rc = take_number(scan, '$', BULK_LIMIT, &size);
    if (rc <= 0)
        return rc;
    size_t length = (size_t)size;
    if (scan->length - scan->at < length + 2)
        return 0;
    if (memcmp(scan->bytes + scan->at + length, "\r\n", 2) != 0)
        return broken(scan);
    reserve(words);
    words->arguments[words->count] = scan->bytes + scan->at;
    words->lengths[words->count++] = length;
    scan->at += length + 2;
    return 1;
}

static int read_resp(struct redis_data_words *words, const char *bytes, size_t length, size_t *used,
                     struct error *err)
{
    struct resp_scan scan = {.bytes = bytes, .length = length, .err = err};
    int64_t count = 0;
    words->count = 0;
    int rc = take_number(&scan, '*', WORDS_LIMIT, &count);
    for (int64_t i = 0; rc > 0 && i < count; i++)
        rc = take_bulk(&scan, words);
    *used = scan.at;
    return rc;
}

int redis_data_read_command(struct redis_data_words *words, const char *bytes, size_t length, bool is_end,
                            size_t *used, struct error *err)
{
    if (!length)
        return 0;
    if (bytes[0] != '*')
        return read_line(words, bytes, length, is_end, used, err);
    int rc = read_resp(words, bytes, length, used, err);
    if (rc == 0 && is_end)
        return error_set(err, ERROR_USAGE, "the last command is cut off");
    return rc;
}

/* ---- what a command is ---- */

bool redis_data_is_stream(const struct redis_data_words *words)
{
    static const struct {
        const char *name, *second;
    } rows[] = {
        {"SUBSCRIBE", NULL}, {"PSUBSCRIBE", NULL}, {"SSUBSCRIBE", NULL}, {"MONITOR", NULL},
        {"SYNC", NULL},      {"PSYNC", NULL},      {"CLIENT", "REPLY"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = strlen(rows[i].name);
        if (!words->count || words->lengths[0] != length ||
            strncasecmp(words->arguments[0], rows[i].name, length))
            continue;
        if (!rows[i].second)
            return true;
        length = strlen(rows[i].second);
        return words->count > 1 && words->lengths[1] == length &&
               !strncasecmp(words->arguments[1], rows[i].second, length);
    }

    return false;
}
