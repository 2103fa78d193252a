/*
 * resp: the Redis wire protocol, both directions, as plain memory. No sockets, no clock, libc only.
 *
 * Read in this order: a reply (what a server said), a buffer (what we are about to say), a reader (bytes in,
 * replies out). Requests are always RESP arrays of bulk strings; replies are RESP2, and every RESP3 type but
 * the streamed ones.
 *
 * The codec is our own and not hiredis': the reader of hiredis 0.14 gives up on the first RESP3 byte, stops
 * at seven levels and has no limit on what a server may make it allocate. The tests use hiredis as the second
 * opinion.
 *
 * Nothing here aborts or prints: out of memory is a failure like the others. Nothing here is shared between
 * threads.
 */
#ifndef RESP_RESP_H
#define RESP_RESP_H

#include <stdbool.h>
#include <stddef.h>

/* ---- A reply ---- */

enum resp_type {
    RESP_NIL,      /* RESP2 $-1 and *-1, RESP3 _ */
    RESP_STATUS,   /* +OK: `str` */
    RESP_ERROR,    /* -ERR text, RESP3 !: `str` */
    RESP_INTEGER,  /* :1 : `integer` */
    RESP_STRING,   /* $3: `str`, any bytes */
    RESP_ARRAY,    /* *2: `elements` */
    RESP_BOOL,     /* #t: `integer` is 0 or 1 */
    RESP_DOUBLE,   /* ,1.5: `real`, and the digits as sent in `str` */
    RESP_BIGNUM,   /* (123: the digits in `str` */
    RESP_VERBATIM, /* =15 txt:...: `str` without the four bytes of format */
    RESP_MAP,      /* %2: `elements` alternate key, value; `count` is twice the pairs */
    RESP_SET,      /* ~2: `elements` */
    RESP_PUSH,     /* >2: out of band, answers no command */
};

/* A tree owned by its root. `str` is always followed by a NUL that `len` does not count; it is NULL where
 * unused. */
struct resp_reply {
    enum resp_type type;
    long long integer;
    double real;
    char *str;
    size_t len;
    struct resp_reply *elements;
    size_t count;
    bool is_block; /* of a root: the tree is this one allocation */
};

/* The type in lower case ("bulk string"), for error texts. Never NULL. */
const char *resp_type_name(enum resp_type type);

/* Whether a status, error or string equals `text` exactly. */
bool resp_reply_is(const struct resp_reply *reply, const char *text);

/* Whether this is an error whose first word is `code` ("WRONGTYPE", "NOAUTH"). */
bool resp_reply_is_error(const struct resp_reply *reply, const char *code);

/* Frees the whole tree; NULL is allowed. Only for the root that resp_reader_next() gave. */
void resp_reply_free(struct resp_reply *reply);

/* ---- A buffer of requests ---- */

/* Grows by doubling up to `limit` bytes. Zero-initialised with a limit is a valid empty buffer. Send from
 * `data`. */
struct resp_buffer {
    char *data;
    size_t len;
    size_t cap;
    size_t limit;
};

void resp_buffer_init(struct resp_buffer *buffer, size_t limit_bytes);
void resp_buffer_fini(struct resp_buffer *buffer);

/* Forgets the first `len` bytes (they were sent). */
void resp_buffer_consume(struct resp_buffer *buffer, size_t len);

/* Appends bytes that are encoded already; 0 or -1 as below. */
int resp_buffer_append(struct resp_buffer *buffer, const void *data, size_t len);

/*
 * Appends one command. `lens` may be NULL when every argument is a C string.
 * Returns 0, or -1 when the limit would be passed or memory is out; the buffer is then as before.
 */
int resp_append_command(struct resp_buffer *buffer, size_t argc, const char *const argv[],
                        const size_t lens[]);

/* The same for a NULL-terminated list of C strings. */
int resp_append_words(struct resp_buffer *buffer, const char *const words[]);

/* The bytes that resp_append_command() would add, or SIZE_MAX when that overflows. */
size_t resp_command_size(size_t argc, const char *const argv[], const size_t lens[]);

/* ---- A reader of replies ---- */

/* What one reply may cost. A zero means the default. */
struct resp_limits {
    size_t depth;    /* levels of nesting; default 32, at most 128 */
    size_t bulk;     /* bytes of one string; default 512 MiB, as Redis itself */
    size_t elements; /* nodes of one reply, all levels; default 16 Mi */
    size_t total;    /* bytes of all strings of one reply; default 1 GiB */
};

struct resp_reader;

/* NULL limits are the defaults. NULL when memory is out. */
struct resp_reader *resp_reader_new(const struct resp_limits *limits);
void resp_reader_free(struct resp_reader *reader);

/* Copies bytes in. 0, or -1 when memory is out (then the reader has failed). */
int resp_reader_feed(struct resp_reader *reader, const void *data, size_t len);

/*
 * The same without a copy: room for at least `want` bytes to read(2) into (for less within a big string,
 * which is received where it stays), then tell how many came, of which `room` is the most. The pointer holds
 * until the next call on this reader. NULL when memory is out.
 */
char *resp_reader_space(struct resp_reader *reader, size_t want, size_t *room);
void resp_reader_commit(struct resp_reader *reader, size_t len);

/* Gives the buffer back when nothing waits in it; for a connection that will be silent for long. */
void resp_reader_relax(struct resp_reader *reader);

/* How many more bytes the string being received needs, 0 when unknown: a hint for resp_reader_space(). */
size_t resp_reader_missing(const struct resp_reader *reader);

/*
 * The next whole reply: 1 with *reply owned by the caller, 0 when more bytes are needed, -1 when the peer
 * does not speak the protocol, passed a limit, or memory is out. A failure stays: the stream has lost its
 * place, drop the connection.
 */
int resp_reader_next(struct resp_reader *reader, struct resp_reply **reply);

/* Why the reader failed, in words for a user; "" while it has not. */
const char *resp_reader_error(const struct resp_reader *reader);

#endif
