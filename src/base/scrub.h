/* Takes secrets out of text: what leaves the machine, and what programs print where they must not.
 *
 * A list of values, each looked for as it is, and in the forms that our own output and that of programs give
 * it: percent-encoded, as a JSON string's content, in base64, and line by line. What is shorter than
 * SCRUB_LEAST bytes would hit words that mean nothing; it is looked for only where it stands alone between
 * characters that are no letters and no digits. */
#ifndef BASE_SCRUB_H
#define BASE_SCRUB_H

#include "base/str.h"

#include <stdbool.h>

enum { SCRUB_LEAST = 6 };
#define SCRUB_MARK "***"

struct scrub {
    struct strlist values; /* longest first, once scrub_ready() was called */
    bool begins[256];      /* one of them does, with this byte */
};

/* A secret, and its other forms. Empty ones and NULL are left out. */
void scrub_add(struct scrub *scrub, const char *secret);
void scrub_ready(struct scrub *scrub);
/* The text without them; bytes that are no text stay. The caller frees. */
char *scrub_text(const struct scrub *scrub, const char *text, size_t length, size_t *result_length);
/* The same for bytes that come in pieces: what may be the beginning of a secret is held back until it is
 * known. Zero-initialise; one for each stream. scrub_end() gives what is still held, as at the end of a text.
 */
struct scrub_stream {
    struct strbuf held;
    char before; /* the byte in front of it; 0: none */
};
void scrub_feed(const struct scrub *scrub, struct scrub_stream *stream, const char *bytes, size_t length,
                struct strbuf *out);
void scrub_end(const struct scrub *scrub, struct scrub_stream *stream, struct strbuf *out);

/* Overwrites and frees the values. */
void scrub_free(struct scrub *scrub);

#endif
