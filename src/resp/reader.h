/*
 * What the two files of the reader share: reader.c has the buffer and the tree, item.c takes one item out of
 * the buffer. Nobody else includes it.
 */
#ifndef RESP_READER_H
#define RESP_READER_H

#include "resp/resp.h"

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

/* Notes the first failure, which stays. Always -1. */
__attribute__((format(printf, 2, 3))) int resp_reader_fail(struct resp_reader *reader, const char *format,
                                                           ...);

/* The next item of the buffer. 1: *node is a complete one; 2: an aggregate was opened; 0: more bytes are
 * needed; -1: failed. */
int resp_reader_take(struct resp_reader *reader, struct resp_reply *node);

#endif
