/* The head of a request, read strictly: what the HTTP library lets pass is refused here, before it sees a
 * byte.
 *
 * web_head_read() takes the bytes from the first one to the empty line. Refused is whatever two readers could
 * understand differently: bare line feeds, control bytes, two Hosts, a length together with chunks or two of
 * them, targets that are no path, folded lines, names that are no tokens (RFC 9112). Pure; fuzzed.
 *
 * Ownership: texts lie in the head's own copy; web_head_free(). */
#ifndef WEB_HEAD_H
#define WEB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEB_HEAD_LIMIT = 16 << 10, WEB_HEADERS = 64 };

struct web_header {
    const char *name; /* in lower case */
    const char *value;
};

struct web_head {
    const char *method;
    const char *path;  /* as it was sent, begins with a slash, without query */
    const char *query; /* behind the question mark, or "" */
    struct web_header headers[WEB_HEADERS];
    size_t header_count;
    int64_t length; /* of the body; -1: none is said */
    bool is_chunked;
    char *text;
};

/* The bytes of a whole head that stand in front of these, or 0: it goes on. */
size_t web_head_end(const char *bytes, size_t length);
/* 0; or the status to refuse it with, and *why (static). */
int web_head_read(struct web_head *head, const char *bytes, size_t length, const char **why);
void web_head_free(struct web_head *head);
/* The value of the one header of that name; NULL: there is none, or (is_single) there are several. */
const char *web_head_value(const struct web_head *head, const char *name);
size_t web_head_count(const struct web_head *head, const char *name);

#endif
