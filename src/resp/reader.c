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
#include "resp/reader.h"
#include "resp/tree.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUFFER = 16 * 1024, SHRINK_ABOVE = 1024 * 1024, FIRST_ELEMENTS = 4 };

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

int resp_reader_fail(struct resp_reader *reader, const char *format, ...)
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
            resp_reader_fail(reader, "out of memory for %zu bytes of input", cap);
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

/* ---- The tree ---- */

static int push_element(struct resp_reader *reader, struct resp_frame *frame, struct resp_reply *node)
{
    if (reader->used_elements >= reader->limits.elements)
        return resp_reader_fail(reader, "a reply of more than %zu elements", reader->limits.elements);
    if (frame->node.count == frame->cap) {
        size_t left = frame->node.count + frame->want;
        size_t cap = FIRST_ELEMENTS;
        if (frame->cap)
            cap = frame->cap * 2;

        if (cap > left)
            cap = left;
        struct resp_reply *elements = realloc(frame->node.elements, cap * sizeof(*elements));
        if (!elements)
            return resp_reader_fail(reader, "out of memory for %zu elements", cap);
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
        return resp_reader_fail(reader, "out of memory for a reply");
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
        int rc = resp_reader_take(reader, &node);

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
