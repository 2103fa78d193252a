/*
 * One item out of the reader's buffer: a line with its value, a string with its length, or the header of an
 * aggregate, which opens a frame.
 *
 * An item is taken when all of its bytes are there; until then nothing is moved, and the reader says how many
 * are missing. Only a big string is begun before: the rest of it is received where it will stay. Numbers are
 * read strictly, limits are held before anything is allocated. Failure: resp_reader_fail() keeps the text.
 */
#include "resp/reader.h"

#include <ctype.h>
#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 64 * 1024 };

/* From this size on a string that has not come as a whole is received where it will stay. */
enum { DIRECT = 64 * 1024, CRLF = 2 };

/* One header line: the byte that says the type, and the text up to CRLF. */
struct resp_line {
    char mark;
    const char *text;
    size_t len;
    size_t size; /* with mark and CRLF */
};

static int take_line(struct resp_reader *reader, struct resp_line *line)
{
    const char *start = reader->data + reader->pos;
    size_t have = reader->len - reader->pos;
    const char *end = NULL;
    if (have)
        end = memchr(start, '\n', have);

    if ((end && end - start > MAX_LINE) || (!end && have > MAX_LINE))
        return resp_reader_fail(reader, "protocol error: a header line longer than %d bytes", MAX_LINE);
    if (!end)
        return 0;
    if (end - start < 2 || end[-1] != '\r')
        return resp_reader_fail(reader, "protocol error: a line that does not end with CR LF");
    *line = (struct resp_line){*start, start + 1, (size_t)(end - start) - 2, (size_t)(end - start) + 1};
    return 1;
}

/* Strict: an optional sign and digits, nothing else, no overflow. */
static int parse_integer(const char *text, size_t len, long long *out)
{
    bool negative = len > 0 && text[0] == '-';
    size_t i = 0;
    if (len > 0 && (text[0] == '-' || text[0] == '+'))
        i = 1;
    unsigned long long value = 0, bound = (unsigned long long)INT64_MAX + negative;

    if (i == len)
        return -1;
    for (; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';

        if (digit > 9 || value > (bound - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    if (negative)
        *out = (long long)(0 - value);
    else
        *out = (long long)value;
    return 0;
}

static int copy_text(struct resp_reader *reader, struct resp_reply *node, const char *text, size_t len)
{
    if (len > reader->limits.total - reader->used_bytes)
        return resp_reader_fail(reader, "a reply larger than the limit of %zu bytes", reader->limits.total);
    node->str = malloc(len + 1);
    if (!node->str)
        return resp_reader_fail(reader, "out of memory for a string of %zu bytes", len);
    if (len > 0)
        memcpy(node->str, text, len);
    node->str[len] = '\0';
    node->len = len;
    reader->used_bytes += len;
    return 1;
}

/* How much of a bad header an error text quotes. */
static int shown_len(const struct resp_line *line)
{
    return (int)(line->len < 32 ? line->len : 32);
}

/* The rest of a big string goes where it will stay: what has come of it is moved there. 0, -1. */
static int begin_direct(struct resp_reader *reader, const struct resp_line *line, struct resp_reply *node,
                        size_t len)
{
    size_t have = reader->len - reader->pos - line->size;

    if (len > reader->limits.total - reader->used_bytes)
        return resp_reader_fail(reader, "a reply larger than the limit of %zu bytes", reader->limits.total);
    node->str = malloc(len + CRLF);
    if (!node->str)
        return resp_reader_fail(reader, "out of memory for a string of %zu bytes", len);
    memcpy(node->str, reader->data + reader->pos + line->size, have);
    node->len = len;
    reader->used_bytes += len;
    reader->pos = reader->len;
    reader->direct.node = *node;
    reader->direct.got = have;
    reader->direct.want = len + CRLF;
    reader->missing = reader->direct.want - have;
    *node = (struct resp_reply){.type = RESP_NIL};
    return 0;
}

/* What begin_direct() began: 1 with the string in *node, 0 while there is more to come, -1. */
static int end_direct(struct resp_reader *reader, struct resp_reply *node)
{
    struct resp_reply *direct = &reader->direct.node;

    reader->missing = reader->direct.want - reader->direct.got;
    if (reader->missing > 0)
        return 0;
    if (direct->str[direct->len] != '\r' || direct->str[direct->len + 1] != '\n')
        return resp_reader_fail(reader, "protocol error: a string that is not followed by CR LF");
    direct->str[direct->len] = '\0';
    *node = *direct;
    *direct = (struct resp_reply){.type = RESP_NIL};
    reader->direct.want = reader->direct.got = 0;
    return 1;
}

static int take_bulk(struct resp_reader *reader, const struct resp_line *line, struct resp_reply *node)
{
    long long len;

    if (parse_integer(line->text, line->len, &len) < 0 || len < -1)
        return resp_reader_fail(reader, "protocol error: a string of length \"%.*s\"", shown_len(line),
                                line->text);
    if (len == -1) {
        node->type = RESP_NIL;
        reader->pos += line->size;
        return 1;
    }
    if ((unsigned long long)len > reader->limits.bulk)
        return resp_reader_fail(reader, "a string of %lld bytes is over the limit of %zu", len,
                                reader->limits.bulk);
    size_t need = line->size + (size_t)len + 2, have = reader->len - reader->pos;
    if (have < need && len >= DIRECT && node->type == RESP_STRING)
        return begin_direct(reader, line, node, (size_t)len);
    if (have < need) {
        reader->missing = need - have;
        return 0;
    }
    const char *text = reader->data + reader->pos + line->size;
    if (text[len] != '\r' || text[len + 1] != '\n')
        return resp_reader_fail(reader, "protocol error: a string that is not followed by CR LF");
    if (node->type == RESP_VERBATIM && (len < 4 || text[3] != ':'))
        return resp_reader_fail(reader, "protocol error: a verbatim string without its format");
    size_t skip = 0;
    if (node->type == RESP_VERBATIM)
        skip = 4;
    if (copy_text(reader, node, text + skip, (size_t)len - skip) < 0)
        return -1;
    reader->pos += need;
    return 1;
}

/* strtod() wants the program's decimal mark, the wire always has a point. It would also pass over blanks,
 * which no number has: a carriage return among them. */
static int parse_double(const char *text, size_t len, double *out)
{
    char local[64], *end;

    if (len == 0 || len >= sizeof(local) || strlen(text) != len || isspace((unsigned char)*text))
        return -1;
    memcpy(local, text, len + 1);
    for (char *p = local; *p; p++)
        if (*p == '.')
            *p = *nl_langinfo(RADIXCHAR);
    *out = strtod(local, &end);
    if (*end)
        return -1;
    return 0;
}

static int take_scalar(struct resp_reader *reader, const struct resp_line *line, struct resp_reply *node)
{
    int shown = shown_len(line);

    if (node->type == RESP_INTEGER && parse_integer(line->text, line->len, &node->integer) < 0)
        return resp_reader_fail(reader, "protocol error: an integer \"%.*s\"", shown, line->text);
    if (node->type == RESP_BOOL && (line->len != 1 || !strchr("tf", line->text[0]) || !line->text[0]))
        return resp_reader_fail(reader, "protocol error: a boolean \"%.*s\"", shown, line->text);
    if (node->type == RESP_NIL && line->len != 0)
        return resp_reader_fail(reader, "protocol error: a null \"%.*s\"", shown, line->text);
    if (node->type == RESP_BOOL)
        node->integer = line->text[0] == 't';
    if (node->type != RESP_INTEGER && node->type != RESP_BOOL && node->type != RESP_NIL)
        if (copy_text(reader, node, line->text, line->len) < 0)
            return -1;
    if (node->type == RESP_DOUBLE && parse_double(node->str, node->len, &node->real) < 0)
        return resp_reader_fail(reader, "protocol error: a double \"%.*s\"", shown, line->text);
    reader->pos += line->size;
    return 1;
}

/* Opens a frame; an empty or null aggregate is complete at once. Returns 2 when a frame was opened. */
static int take_aggregate(struct resp_reader *reader, const struct resp_line *line, struct resp_reply *node,
                          size_t each)
{
    long long count;

    if (parse_integer(line->text, line->len, &count) < 0 || count < -1)
        return resp_reader_fail(reader, "protocol error: an aggregate of length \"%.*s\"", shown_len(line),
                                line->text);
    if (count > 0 && (unsigned long long)count > reader->limits.elements / each)
        return resp_reader_fail(reader, "a reply of %lld elements is over the limit of %zu", count,
                                reader->limits.elements);
    reader->pos += line->size;
    if (count == -1)
        node->type = RESP_NIL;
    if (count <= 0 && line->mark != '|')
        return 1;
    if (reader->depth == reader->limits.depth)
        return resp_reader_fail(reader, "a reply nested deeper than %zu levels", reader->limits.depth);
    reader->frames[reader->depth++] = (struct resp_frame){
        .node = *node,
        .want = count < 0 ? 0 : (size_t)count * each,
        .is_attribute = line->mark == '|',
    };
    return 2;
}

struct mark {
    char mark;
    enum resp_type type;
    enum { SCALAR, BULK, AGGREGATE } form;
    size_t each;
};

static const struct mark *find_mark(char mark)
{
    static const struct mark marks[] = {
        {'+', RESP_STATUS, SCALAR, 0}, {'-', RESP_ERROR, SCALAR, 0},    {':', RESP_INTEGER, SCALAR, 0},
        {'$', RESP_STRING, BULK, 0},   {'*', RESP_ARRAY, AGGREGATE, 1}, {'_', RESP_NIL, SCALAR, 0},
        {'#', RESP_BOOL, SCALAR, 0},   {',', RESP_DOUBLE, SCALAR, 0},   {'(', RESP_BIGNUM, SCALAR, 0},
        {'!', RESP_ERROR, BULK, 0},    {'=', RESP_VERBATIM, BULK, 0},   {'%', RESP_MAP, AGGREGATE, 2},
        {'~', RESP_SET, AGGREGATE, 1}, {'>', RESP_PUSH, AGGREGATE, 1},  {'|', RESP_MAP, AGGREGATE, 2},
    };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (marks[i].mark == mark)
            return &marks[i];
    return NULL;
}

int resp_reader_take(struct resp_reader *reader, struct resp_reply *node)
{
    struct resp_line line = {0};

    if (reader->direct.want > 0)
        return end_direct(reader, node);
    reader->missing = 0;
    if (reader->pos == reader->len)
        return 0;
    unsigned char byte = (unsigned char)reader->data[reader->pos];
    const struct mark *mark = find_mark((char)byte);
    if (!mark && isprint(byte))
        return resp_reader_fail(reader, "protocol error: a reply that begins with '%c'", byte);
    if (!mark)
        return resp_reader_fail(reader, "protocol error: a reply that begins with byte 0x%02x", byte);
    int rc = take_line(reader, &line);
    if (rc <= 0)
        return rc;
    node->type = mark->type;
    if (mark->form == AGGREGATE)
        return take_aggregate(reader, &line, node, mark->each);
    if (mark->form == BULK)
        return take_bulk(reader, &line, node);
    return take_scalar(reader, &line, node);
}
