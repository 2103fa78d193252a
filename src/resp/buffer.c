/*
 * Requests: arrays of bulk strings appended to one growing buffer.
 *
 * The size of a command is computed first, so that a command is either wholly in the buffer or not at all and
 * the bytes are written without a check each. A consumed prefix is moved away at once; callers that send in
 * large pieces do that once per send.
 */
#include "resp/resp.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256, MAX_DIGITS = 20 };

void resp_buffer_init(struct resp_buffer *buffer, size_t limit_bytes)
{
    *buffer = (struct resp_buffer){.limit = limit_bytes};
}

void resp_buffer_fini(struct resp_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct resp_buffer){.limit = buffer->limit};
}

void resp_buffer_consume(struct resp_buffer *buffer, size_t len)
{
    if (len >= buffer->len) {
        buffer->len = 0;
        return;
    }
    memmove(buffer->data, buffer->data + len, buffer->len - len);
    buffer->len -= len;
}

static int reserve(struct resp_buffer *buffer, size_t more)
{
    size_t cap = buffer->cap;
    if (!cap)
        cap = FIRST_CAPACITY;

    if (more > buffer->limit || buffer->len > buffer->limit - more)
        return -1;
    if (buffer->cap - buffer->len >= more)
        return 0;
    while (cap - buffer->len < more) {
        if (cap > SIZE_MAX / 2)
            cap = SIZE_MAX;
        else
            cap = cap * 2;
    }
    if (cap > buffer->limit)
        cap = buffer->limit;
    char *data = realloc(buffer->data, cap);
    if (!data)
        return -1;
    buffer->data = data;
    buffer->cap = cap;
    return 0;
}

int resp_buffer_append(struct resp_buffer *buffer, const void *data, size_t len)
{
    if (len == 0)
        return 0;
    if (reserve(buffer, len) < 0)
        return -1;
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 0;
}

static size_t count_digits(size_t n)
{
    size_t digits = 1;

    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}

static size_t argument_len(size_t i, const char *const argv[], const size_t lens[])
{
    if (lens)
        return lens[i];
    return strlen(argv[i]);
}

size_t resp_command_size(size_t argc, const char *const argv[], const size_t lens[])
{
    size_t size = 1 + count_digits(argc) + 2;

    for (size_t i = 0; i < argc; i++) {
        size_t len = argument_len(i, argv, lens);
        size_t overhead = 1 + count_digits(len) + 4;

        if (len > SIZE_MAX - overhead || size > SIZE_MAX - overhead - len)
            return SIZE_MAX;
        size += overhead + len;
    }
    return size;
}

static char *put_header(char *p, char mark, size_t n)
{
    char digits[MAX_DIGITS];
    size_t count = 0;

    if (n < 10) {
        p[0] = mark;
        p[1] = (char)('0' + n);
        p[2] = '\r';
        p[3] = '\n';
        return p + 4;
    }
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    *p++ = mark;
    while (count > 0)
        *p++ = digits[--count];
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

int resp_append_command(struct resp_buffer *buffer, size_t argc, const char *const argv[],
                        const size_t lens[])
{
    size_t size = resp_command_size(argc, argv, lens);

    if (size == SIZE_MAX || reserve(buffer, size) < 0)
        return -1;
    char *p = put_header(buffer->data + buffer->len, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        size_t len = argument_len(i, argv, lens);

        p = put_header(p, '$', len);
        if (len > 0)
            memcpy(p, argv[i], len);
        p += len;
        *p++ = '\r';
        *p++ = '\n';
    }
    buffer->len += size;
    return 0;
}

int resp_append_words(struct resp_buffer *buffer, const char *const words[])
{
    size_t argc = 0;

    while (words[argc])
        argc++;
    return resp_append_command(buffer, argc, words, NULL);
}
