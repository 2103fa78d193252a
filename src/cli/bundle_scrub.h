/* Takes secrets out of text that leaves the machine.
 *
 * A list of values, each looked for as it is, and in the forms that our own output and that of programs give
 * it: percent-encoded, as a JSON string's content, in base64, and line by line. What is shorter than
 * SCRUB_LEAST bytes would hit words that mean nothing; it is looked for only where it stands alone between
 * characters that are no letters and no digits. */
#ifndef CLI_BUNDLE_SCRUB_H
#define CLI_BUNDLE_SCRUB_H

#include "base/str.h"

enum { SCRUB_LEAST = 6 };
#define SCRUB_MARK "***"

struct scrub {
    struct strlist values; /* longest first, once scrub_ready() was called */
};

/* A secret, and its other forms. Empty ones and NULL are left out. */
void scrub_add(struct scrub *scrub, const char *secret);
void scrub_ready(struct scrub *scrub);
/* The text without them; bytes that are no text stay. The caller frees. */
char *scrub_text(const struct scrub *scrub, const char *text, size_t length, size_t *result_length);
/* Overwrites and frees the values. */
void scrub_free(struct scrub *scrub);

#endif
