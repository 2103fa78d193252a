/* The error type: one table from kinds to exit codes and stable names, and the few functions that fill and
 * free it. Everything here must work when memory is short only as well as the rest of the program: xmalloc
 * aborts. */
#include "base/error.h"
#include "base/mem.h"
#include "base/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int exit_code;
    const char *name;
} kinds[ERROR_CODE_COUNT] = {
    [ERROR_NONE] = {0, "none"},
    [ERROR_FAILED] = {1, "failed"},
    [ERROR_USAGE] = {2, "usage"},
    [ERROR_MANIFEST] = {3, "manifest-invalid"},
    [ERROR_ENGINE] = {4, "engine-unreachable"},
    [ERROR_PULL] = {5, "pull-failed"},
    [ERROR_RESOURCE] = {6, "resource-failed"},
    [ERROR_TIMEOUT] = {7, "timeout"},
    [ERROR_PORT] = {8, "port-conflict"},
    [ERROR_OWNER] = {9, "not-owner"},
    [ERROR_NOT_RUNNING] = {10, "not-running"},
    [ERROR_RUN_TIMEOUT] = {124, "run-timeout"},
    [ERROR_NOT_EXECUTABLE] = {126, "not-executable"},
    [ERROR_NOT_FOUND] = {127, "command-not-found"},
    [ERROR_CANCELLED] = {1, "cancelled"},
    [ERROR_NO_IMAGE] = {5, "no-such-image"},
    [ERROR_GONE] = {1, "gone"},
    [ERROR_CONFLICT] = {1, "conflict"},
    [ERROR_SPACE] = {1, "no-space"},
    [ERROR_PROTOCOL] = {1, "protocol"},
    [ERROR_CUT] = {4, "connection-cut"},
    [ERROR_NO_FILE] = {1, "no-such-file"},
};

int error_vset(struct error *err, enum error_code code, const char *format, va_list args)
{
    if (!err || err->code != ERROR_NONE)
        return -1;
    err->code = code;
    err->text = xvasprintf(format, args);
    return -1;
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(err, code, format, args);
    va_end(args);
    return -1;
}

void error_hint(struct error *err, const char *format, ...)
{
    if (!error_is_set(err))
        return;
    va_list args;
    va_start(args, format);
    char *hint = xvasprintf(format, args);
    va_end(args);
    free(err->hint);
    err->hint = hint;
}

void error_resource(struct error *err, const char *resource)
{
    if (!error_is_set(err) || !resource)
        return;
    char *copy = xstrdup(resource);
    free(err->resource);
    err->resource = copy;
}

void error_at(struct error *err, const char *file, int line, int column)
{
    if (!error_is_set(err))
        return;
    char *copy = xstrdup_null(file);
    free(err->source.file);
    err->source = (struct source){copy, line, column};
}

int error_wrap(struct error *err, const char *format, ...)
{
    if (!error_is_set(err))
        return -1;
    va_list args;
    va_start(args, format);
    char *prefix = xvasprintf(format, args);
    va_end(args);
    char *text = xasprintf("%s: %s", prefix, err->text);
    free(prefix);
    free(err->text);
    err->text = text;
    return -1;
}

void error_clear(struct error *err)
{
    if (!err)
        return;
    free(err->resource);
    free(err->source.file);
    free(err->text);
    free(err->hint);
    *err = (struct error){0};
}

void error_move(struct error *to, struct error *from)
{
    if (!to || error_is_set(to)) {
        error_clear(from);
        return;
    }
    *to = *from;
    *from = (struct error){0};
}

void error_copy(struct error *to, const struct error *from)
{
    if (!to || error_is_set(to) || !error_is_set(from))
        return;
    to->code = from->code;
    to->resource = xstrdup_null(from->resource);
    to->source = from->source;
    to->source.file = xstrdup_null(from->source.file);
    to->text = xstrdup(text_or_empty(from->text));
    to->hint = xstrdup_null(from->hint);
}

int error_exit_code(enum error_code code)
{
    return code < ERROR_CODE_COUNT ? kinds[code].exit_code : 1;
}

const char *error_name(enum error_code code)
{
    return code < ERROR_CODE_COUNT ? kinds[code].name : "failed";
}

enum error_code error_of_errno(int number)
{
    if (number == ENOSPC || number == EDQUOT)
        return ERROR_SPACE;
    return ERROR_FAILED;
}

enum error_code error_by_name(const char *name)
{
    for (int i = 0; name && i < ERROR_CODE_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return (enum error_code)i;
    return ERROR_FAILED;
}
