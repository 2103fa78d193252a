/*
 * The reader: bytes in, whole replies out.
 *
 * It keeps one buffer of unparsed bytes and a stack with one frame per open aggregate. An item is taken only
 * when all of its bytes are there (a header line, and for a string its payload), so the only state between
 * two calls is the stack. A frame holds its aggregate by value and moves it into its parent when it is
 * complete: nothing points into an array that may be moved. Arrays grow as elements arrive, so a header that
 * promises a billion elements costs nothing. Only a big string is begun before all of it is there: the rest
 * of it is received into the place where it stays, without a copy, and the reader has it until it is
 * complete.
 *
 * Failure: the first one is kept with its text, and every later call returns it.
 */
#include "resp/resp.h"
#include "resp/tree.h"

#include <ctype.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 64 * 1024, FIRST_BUFFER = 16 * 1024, SHRINK_ABOVE = 1024 * 1024, FIRST_ELEMENTS = 4 };

/* From this size on a string that has not come as a whole is received where it will stay. */
enum { DIRECT = 64 * 1024, CRLF = 2 };

struct resp_frame {
    struct resp_reply node;
    size_t want; /* elements still to come */
    size_t cap;
    bool is_attribute; /* RESP3 |: read and dropped, counts as no element of its parent */
};

struct resp_reader {
    struct resp_limits limits;
    struct {
        struct resp_reply node; /* its string has room for what is still to come and CR LF */
        size_t got, want;       /* with CR LF; want 0: there is none */
    } direct;
    char *data;
    size_t pos, len, cap;
    size_t missing;
    struct resp_frame *frames;
    size_t depth;
    size_t used_elements, used_bytes;
    bool is_failed;
    char error[160];
};

/* One header line: the byte that says the type, and the text up to CRLF. */
struct resp_line {
    char mark;
    const char *text;
    size_t len;
    size_t size; /* with mark and CRLF */
};

struct resp_reader *resp_reader_new(const struct resp_limits *limits)
{
    struct resp_reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return NULL;
    if (limits)
        reader->limits = *limits;
    if (reader->limits.depth == 0)
        reader->limits.depth = 32;
    if (reader->limits.depth > RESP_MAX_DEPTH)
        reader->limits.depth = RESP_MAX_DEPTH;
    if (reader->limits.bulk == 0)
        reader->limits.bulk = (size_t)512 << 20;
    if (reader->limits.elements == 0)
        reader->limits.elements = (size_t)16 << 20;
    if (reader->limits.total == 0)
        reader->limits.total = (size_t)1 << 30;
    reader->frames = calloc(reader->limits.depth, sizeof(*reader->frames));
    if (!reader->frames) {
        free(reader);
        return NULL;
    }
    return reader;
}

void resp_reader_free(struct resp_reader *reader)
{
    if (!reader)
        return;
    while (reader->depth > 0)
        resp_tree_clear(&reader->frames[--reader->depth].node);
    resp_tree_clear(&reader->direct.node);
    free(reader->frames);
    free(reader->data);
    free(reader);
}

__attribute__((format(printf, 2, 3))) static int fail(struct resp_reader *reader, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reader->error, sizeof(reader->error), format, args);
    va_end(args);
    reader->is_failed = true;
    return -1;
}

const char *resp_reader_error(const struct resp_reader *reader)
{
    return reader->error;
}

size_t resp_reader_missing(const struct resp_reader *reader)
{
    return reader->missing;
}

/* A buffer that one huge reply has blown up is given back once it is empty. */
static void compact(struct resp_reader *reader)
{
    if (reader->pos == reader->len && reader->cap > SHRINK_ABOVE) {
        free(reader->data);
        reader->data = NULL;
        reader->cap = 0;
    } else if (reader->pos > 0) {
        memmove(reader->data, reader->data + reader->pos, reader->len - reader->pos);
    }
    reader->len -= reader->pos;
    reader->pos = 0;
}

void resp_reader_relax(struct resp_reader *reader)
{
    if (reader->pos < reader->len)
        return;
    free(reader->data);
    reader->data = NULL;
    reader->pos = reader->len = reader->cap = 0;
}

char *resp_reader_space(struct resp_reader *reader, size_t want, size_t *room)
{
    if (reader->direct.want > reader->direct.got) {
        *room = reader->direct.want - reader->direct.got;
        return reader->direct.node.str + reader->direct.got;
    }
    if (reader->cap - reader->len < want)
        compact(reader);
    if (reader->cap - reader->len < want) {
        size_t cap = reader->cap;
        if (!cap)
            cap = FIRST_BUFFER;

        while (cap - reader->len < want) {
            if (cap > SIZE_MAX / 2)
                cap = SIZE_MAX;
            else
                cap = cap * 2;
        }
        char *data = realloc(reader->data, cap);
        if (!data) {
            fail(reader, "out of memory for %zu bytes of input", cap);
            return NULL;
        }
        reader->data = data;
        reader->cap = cap;
    }
    *room = reader->cap - reader->len;
    return reader->data + reader->len;
}

void resp_reader_commit(struct resp_reader *reader, size_t len)
{
    if (reader->direct.want > reader->direct.got)
        reader->direct.got += len;
    else
        reader->len += len;
}

int resp_reader_feed(struct resp_reader *reader, const void *data, size_t len)
{
    const char *from = data;

    while (len > 0) {
        size_t room;
        char *space = resp_reader_space(reader, len, &room);

        if (!space)
            return -1;
        if (room > len)
            room = len;
        memcpy(space, from, room);
        resp_reader_commit(reader, room);
        from += room;
        len -= room;
    }
    return 0;
}

/* ---- One item ---- */

static int take_line(struct resp_reader *reader, struct resp_line *line)
{
    const char *start = reader->data + reader->pos;
    size_t have = reader->len - reader->pos;
    const char *end = NULL;
    if (have)
        end = memchr(start, '\n', have);

    if ((end && end - start > MAX_LINE) || (!end && have > MAX_LINE))
        return fail(reader, "protocol error: a header line longer than %d bytes", MAX_LINE);
    if (!end)
        return 0;
    if (end - start < 2 || end[-1] != '\r')
        return fail(reader, "protocol error: a line that does not end with CR LF");
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
        return fail(reader, "a reply larger than the limit of %zu bytes", reader->limits.total);
    node->str = malloc(len + 1);
    if (!node->str)
        return fail(reader, "out of memory for a string of %zu bytes", len);
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
        return fail(reader, "a reply larger than the limit of %zu bytes", reader->limits.total);
    node->str = malloc(len + CRLF);
    if (!node->str)
        return fail(reader, "out of memory for a string of %zu bytes", len);
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
        return fail(reader, "protocol error: a string that is not followed by CR LF");
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
        return fail(reader, "protocol error: a string of length \"%.*s\"", shown_len(line), line->text);
    if (len == -1) {
        node->type = RESP_NIL;
        reader->pos += line->size;
        return 1;
    }
    if ((unsigned long long)len > reader->limits.bulk)
        return fail(reader, "a string of %lld bytes is over the limit of %zu", len, reader->limits.bulk);
    size_t need = line->size + (size_t)len + 2, have = reader->len - reader->pos;
    if (have < need && len >= DIRECT && node->type == RESP_STRING)
        return begin_direct(reader, line, node, (size_t)len);
    if (have < need) {
        reader->missing = need - have;
        return 0;
    }
    const char *text = reader->data + reader->pos + line->size;
    if (text[len] != '\r' || text[len + 1] != '\n')
        return fail(reader, "protocol error: a string that is not followed by CR LF");
    if (node->type == RESP_VERBATIM && (len < 4 || text[3] != ':'))
        return fail(reader, "protocol error: a verbatim string without its format");
    size_t skip = 0;
    if (node->type == RESP_VERBATIM)
        skip = 4;
    if (copy_text(reader, node, text + skip, (size_t)len - skip) < 0)
        return -1;
    reader->pos += need;
    return 1;
}

/* strtod() wants the program's decimal mark, the wire always has a point. */
static int parse_double(const char *text, double *out)
{
    char local[64], *end;
    size_t len = strlen(text);

    if (len == 0 || len >= sizeof(local))
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
        return fail(reader, "protocol error: an integer \"%.*s\"", shown, line->text);
    if (node->type == RESP_BOOL && (line->len != 1 || !strchr("tf", line->text[0]) || !line->text[0]))
        return fail(reader, "protocol error: a boolean \"%.*s\"", shown, line->text);
    if (node->type == RESP_NIL && line->len != 0)
        return fail(reader, "protocol error: a null \"%.*s\"", shown, line->text);
    if (node->type == RESP_BOOL)
        node->integer = line->text[0] == 't';
    if (node->type != RESP_INTEGER && node->type != RESP_BOOL && node->type != RESP_NIL)
        if (copy_text(reader, node, line->text, line->len) < 0)
            return -1;
    if (node->type == RESP_DOUBLE && parse_double(node->str, &node->real) < 0)
        return fail(reader, "protocol error: a double \"%.*s\"", shown, line->text);
    reader->pos += line->size;
    return 1;
}

/* Opens a frame; an empty or null aggregate is complete at once. Returns 2 when a frame was opened. */
static int take_aggregate(struct resp_reader *reader, const struct resp_line *line, struct resp_reply *node,
                          size_t each)
{
    long long count;

    if (parse_integer(line->text, line->len, &count) < 0 || count < -1)
        return fail(reader, "protocol error: an aggregate of length \"%.*s\"", shown_len(line), line->text);
    if (count > 0 && (unsigned long long)count > reader->limits.elements / each)
        return fail(reader, "a reply of %lld elements is over the limit of %zu", count,
                    reader->limits.elements);
    reader->pos += line->size;
    if (count == -1)
        node->type = RESP_NIL;
    if (count <= 0 && line->mark != '|')
        return 1;
    if (reader->depth == reader->limits.depth)
        return fail(reader, "a reply nested deeper than %zu levels", reader->limits.depth);
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

/* 1: *node is a complete item; 2: an aggregate was opened; 0: more bytes are needed; -1: failed. */
static int take_item(struct resp_reader *reader, struct resp_reply *node)
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
        return fail(reader, "protocol error: a reply that begins with '%c'", byte);
    if (!mark)
        return fail(reader, "protocol error: a reply that begins with byte 0x%02x", byte);
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

/* ---- The tree ---- */

static int push_element(struct resp_reader *reader, struct resp_frame *frame, struct resp_reply *node)
{
    if (reader->used_elements >= reader->limits.elements)
        return fail(reader, "a reply of more than %zu elements", reader->limits.elements);
    if (frame->node.count == frame->cap) {
        size_t left = frame->node.count + frame->want;
        size_t cap = FIRST_ELEMENTS;
        if (frame->cap)
            cap = frame->cap * 2;

        if (cap > left)
            cap = left;
        struct resp_reply *elements = realloc(frame->node.elements, cap * sizeof(*elements));
        if (!elements)
            return fail(reader, "out of memory for %zu elements", cap);
        frame->node.elements = elements;
        frame->cap = cap;
    }
    frame->node.elements[frame->node.count++] = *node;
    *node = (struct resp_reply){.type = RESP_NIL};
    frame->want--;
    reader->used_elements++;
    return 0;
}

static int finish(struct resp_reader *reader, struct resp_reply *node, struct resp_reply **reply)
{
    struct resp_reply *root = malloc(sizeof(*root));

    reader->used_elements = reader->used_bytes = 0;
    if (!root)
        return fail(reader, "out of memory for a reply");
    *root = *node;
    *node = (struct resp_reply){.type = RESP_NIL};
    *reply = root;
    return 1;
}

/* Puts a complete item where it belongs and closes every frame that is now full. 1 with the root, 0 to go on.
 */
static int place(struct resp_reader *reader, struct resp_reply *node, struct resp_reply **reply)
{
    while (reader->depth > 0) {
        struct resp_frame *frame = &reader->frames[reader->depth - 1];

        if (frame->want > 0 && push_element(reader, frame, node) < 0)
            return -1;
        if (frame->want > 0)
            return 0;
        *node = frame->node;
        reader->depth--;
        if (frame->is_attribute) {
            resp_tree_clear(node);
            return 0;
        }
    }
    return finish(reader, node, reply);
}

int resp_reader_next(struct resp_reader *reader, struct resp_reply **reply)
{
    if (reader->depth == 0 && !reader->is_failed && reader->len > reader->pos) {
        size_t taken =
            resp_flat_take(reader->data + reader->pos, reader->len - reader->pos, &reader->limits, reply);

        reader->pos += taken;
        if (taken > 0)
            return 1;
    }
    while (!reader->is_failed) {
        struct resp_reply node = {.type = RESP_NIL};
        int rc = take_item(reader, &node);

        if (rc == 2 && reader->frames[reader->depth - 1].want > 0)
            continue;
        if (rc > 0)
            rc = place(reader, &node, reply);
        else if (rc == 0)
            return 0;
        if (rc < 0)
            resp_tree_clear(&node);
        if (rc > 0)
            return 1;
    }
    return -1;
}
