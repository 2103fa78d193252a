/*
 * Inside the library: small text tools that say NULL or -1 instead of aborting when memory is out.
 *
 * A `struct text` grows; once an append has failed it stays failed, so that a long run of appends needs one
 * check, at text_take().
 */
#ifndef CLIENT_BASE_TEXT_H
#define CLIENT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* NUL-terminated when len > 0 */
    size_t len, cap;
    bool is_failed;
};

void text_add(struct text *text, const void *data, size_t len);
void text_adds(struct text *text, const char *string);
__attribute__((format(printf, 2, 3))) void text_addf(struct text *text, const char *format, ...);

/* The string for free(3), or NULL when any append failed. The text is empty afterwards. */
char *text_take(struct text *text);
void text_drop(struct text *text);

/* A copy of data[0..len) with leading and trailing ASCII white space removed. */
char *text_trimmed(const char *data, size_t len);

/* Parts between separators: what follows the first separator in `text`, or NULL. */
const char *text_after(const char *text, char separator);

/* An optional sign and digits with white space around, within [-2^31, 2^31): 0, else -1. */
int text_to_int(const char *text, int *out);

/* Reads a whole file of at most `limit` bytes: 0 with a NUL-terminated string for free(3); -1 with errno. */
int text_read_file(const char *path, size_t limit, char **out, size_t *len);

#endif
