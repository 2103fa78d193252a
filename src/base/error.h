/* The one error type of the program.
 *
 * An operation that can fail takes `struct error *err` as its last parameter and returns a negative number,
 * NULL or false. The error is untouched on success and set exactly once, where the failure happened; on the
 * way up it is wrapped at most once per room with error_wrap(). The text says what was attempted, on what,
 * and why it failed; the hint says what to do. Texts never contain secrets.
 *
 * Ownership: `struct error` owns `resource`, `text`, `hint` and `source.file`; release with error_clear(). An
 * error that is zeroed holds nothing. Passing NULL for `err` is allowed: the failure is then only the return
 * value. Threads: none; an error belongs to who holds it. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/* Kinds of failure, named for what the caller can do about them; behind each the exit code of the program
 * (the documented table of apphost(1)). Whose failure it is, the cause does not say: see below. */
enum error_code {
    ERROR_NONE = 0,
    ERROR_FAILED,         /* failure of another kind: 1 */
    ERROR_USAGE,          /* wrong flags or arguments: 2 */
    ERROR_MANIFEST,       /* manifest not found or invalid: 3 */
    ERROR_ENGINE,         /* engine unreachable or incompatible: 4 */
    ERROR_PULL,           /* image pull or registry login failed: 5 */
    ERROR_RESOURCE,       /* a resource failed or ended before it was ready: 6; else 1 */
    ERROR_TIMEOUT,        /* wait timed out: 7 */
    ERROR_PORT,           /* port conflict: 8 */
    ERROR_OWNER,          /* project of another user, or a supervisor that does not answer: 9 */
    ERROR_NOT_RUNNING,    /* no such resource, or nothing is running: 10 */
    ERROR_RUN_TIMEOUT,    /* `run --timeout` expired: 124 */
    ERROR_NOT_EXECUTABLE, /* of the user's command: 126; of a resource: 6; else 1 */
    ERROR_NOT_FOUND,      /* command not found; of the user's: 127; of a resource: 6; else 1 */
    ERROR_CANCELLED,      /* the operation was cancelled, or the loop is ending: 1 */
    ERROR_NO_IMAGE,       /* engine: image is not present: 5 */
    ERROR_GONE,           /* engine: object does not exist (404): 1 */
    ERROR_CONFLICT,       /* engine: name in use, or a state that forbids it (409): 1 */
    ERROR_SPACE,          /* no space left on a device: 1 */
    ERROR_PROTOCOL,       /* the peer answered nonsense: 1 */
    ERROR_CUT,            /* the engine, or who is between, closed the connection before it had answered: 4 */
    ERROR_NO_FILE,        /* a file or folder that is needed is not there: 1 */
    ERROR_CODE_COUNT
};

/* Whose failure it is. Set by who knows: the cause stays what it is on the way up. */
enum error_origin {
    ORIGIN_OURS,     /* apphost's: also of what it was told */
    ORIGIN_RESOURCE, /* something that the project runs */
    ORIGIN_COMMAND,  /* the user's command: `run`'s and `exec`'s */
    ORIGIN_COUNT
};

/* What a cause is exactly, where somebody acts upon it. From tables (engine/classify.c): texts are for
 * people, and nobody decides by them. */
enum error_detail {
    DETAIL_NONE,
    DETAIL_PORT_TAKEN,      /* a port is in use */
    DETAIL_ADDRESS_FOREIGN, /* the address is none of this machine's */
    DETAIL_NETWORK_GONE,    /* the container's network does not exist any more */
    DETAIL_BEING_REMOVED,   /* somebody is removing the object */
    DETAIL_NOBODY_LISTENS,  /* there is no socket, or nobody at it */
    DETAIL_NOT_TRUSTED,     /* a certificate that no known authority has signed */
    DETAIL_NO_SWARM,        /* the engine manages no swarm */
    DETAIL_OUT_OF_SEQUENCE, /* somebody else changed the object since it was read */
};

/* Where in a file; line and column count from 1, 0 means unknown. */
struct source {
    char *file;
    int line;
    int column;
};

struct error {
    enum error_code code;
    enum error_origin origin;
    enum error_detail detail;
    char *resource; /* the resource concerned, or NULL */
    struct source source;
    char *text;
    char *hint; /* or NULL */
};

/* Sets *err (when err is not NULL) and returns -1. An error that is already set is kept: the first cause
 * wins. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int error_vset(struct error *err, enum error_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* Adds or replaces the hint, the resource, the position, origin and detail. No-ops on NULL or an unset error.
 */
void error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_resource(struct error *err, const char *resource);
void error_at(struct error *err, const char *file, int line, int column);
void error_comes_from(struct error *err, enum error_origin origin);
void error_is_exactly(struct error *err, enum error_detail detail);
/* Says `to` where the text says `from` first: people know names, not ids. */
void error_call(struct error *err, const char *from, const char *to);
/* Puts "prefix: " before the text. Returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Frees what the error owns and zeroes it. */
void error_clear(struct error *err);
/* Moves *from to *to (to may be NULL: then from is cleared). *from is zeroed. */
void error_move(struct error *to, struct error *from);
void error_copy(struct error *to, const struct error *from);
static inline bool error_is_set(const struct error *err)
{
    return err && err->code != ERROR_NONE;
}
/* The exit code for a failure (none: 0): cause and origin, by one table. */
int error_exit_code(const struct error *err);
/* What a failed system call is to the user: no space left, or a failure like others. */
enum error_code error_of_errno(int number);
/* The stable machine-readable name ("engine-unreachable", ...), and back (ERROR_FAILED when unknown). */
const char *error_name(enum error_code code);
enum error_code error_by_name(const char *name);

#define cleanup_error __attribute__((cleanup(error_clear)))

#endif
