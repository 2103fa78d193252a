/* Strings: a growing buffer with a limit, string lists, small parsers, "did you mean".
 *
 * A strbuf that would grow past its limit stops taking bytes and says so through strbuf_is_full(): callers
 * that read from outside check it, callers that build texts of their own may ignore it (the default limit is
 * 64 MiB). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise for the default limit. `data` is NUL-terminated whenever it is not NULL; use strbuf_text()
 * for reading. */
struct strbuf {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit; /* bytes; 0 means 64 MiB */
    bool full;    /* an append was refused */
};
void strbuf_free(struct strbuf *buf);
#define cleanup_strbuf __attribute__((cleanup(strbuf_free)))
bool strbuf_add(struct strbuf *buf, const void *data, size_t length);
bool strbuf_adds(struct strbuf *buf, const char *text);
bool strbuf_addc(struct strbuf *buf, char c);
bool strbuf_addf(struct strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool strbuf_vaddf(struct strbuf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Drops the first n bytes. */
void strbuf_consume(struct strbuf *buf, size_t n);
void strbuf_truncate(struct strbuf *buf, size_t length);
/* Never NULL; valid until the next change. */
const char *strbuf_text(const struct strbuf *buf);
/* Hands over the text (never NULL; the caller frees it) and empties the buffer. */
char *strbuf_take(struct strbuf *buf);

/* A list of owned strings, NULL-terminated at items[count] once something was added. Zero-initialise. */
struct strlist {
    char **items;
    size_t count;
    size_t capacity;
};
void strlist_add(struct strlist *list, const char *text);
void strlist_take(struct strlist *list, char *text); /* takes ownership */
void strlist_addf(struct strlist *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool strlist_has(const struct strlist *list, const char *text);
void strlist_copy(struct strlist *to, const struct strlist *from);
void strlist_free(struct strlist *list);
#define cleanup_strlist __attribute__((cleanup(strlist_free)))
/* For environments: replaces the entry "NAME=…", or adds it. */
void strlist_setenv(struct strlist *list, const char *name, const char *value);
/* The value of "NAME=…", or NULL. Borrowed. */
const char *strlist_getenv(const struct strlist *list, const char *name);

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_eq(const char *a, const char *b); /* NULL equals NULL only */
/* Copies with every ASCII letter lowered; the caller frees. */
char *str_lower(const char *text);
/* Whole-string decimal; false on anything else, overflow or a value outside [min, max]. */
bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *value);
/* Valid UTF-8 without NUL, surrogates, overlong forms. */
bool str_is_utf8(const char *text, size_t length);
/* Columns that a UTF-8 text takes (combining marks 0, wide 2, invalid bytes 1). */
int str_width(const char *text);
/* "500ms", "10s", "1m30s", "2h", "5" (seconds), "00:05:00", "1.5s" → milliseconds. False when it is none of
 * these. */
bool str_to_duration_ms(const char *text, int64_t *ms);
/* "64m", "1g", "512k", "1048576", "64mb" → bytes. */
bool str_to_size(const char *text, int64_t *bytes);
/* Back again, as a manifest has them: "1m30s", "500ms"; "64m", "1500". */
void str_duration(int64_t ms, char out[24]);
void str_size(int64_t bytes, char out[24]);
/* Of candidates[0..count) the one nearest to text (edit distance, transpositions count 1; case ignored), or
 * NULL when none is near enough to be meant. Borrowed from candidates. */
const char *str_nearest(const char *text, const char *const *candidates, size_t count);
/* Replaces control characters, ESC and invalid UTF-8 by visible escapes, for untrusted text shown on a
 * terminal. The caller frees. */
char *str_printable(const char *text);
/* Words of text, wrapped for `width` columns; every line starts with `indent` blanks, the first one where the
 * cursor already is. Words are never broken. */
void str_wrap(struct strbuf *out, const char *text, int indent, int width);
/* "0.42s", "12.0s", "1m05s". out holds 24 bytes. */
void str_elapsed(int64_t ms, char out[24]);
/* "1.2 MB". out holds 24 bytes. */
void str_bytes(int64_t bytes, char out[24]);
/* RFC 3986 percent-encoding of everything but unreserved characters. The caller frees. */
char *str_percent_encode(const char *text);

#endif
