/* The error type: one table of stable names and exit codes, and the few functions that fill and
 * free it. Everything here must work when memory is short only as well as the rest of the program: xmalloc
 * aborts. */
#include "base/error.h"
#include "base/mem.h"
#include "base/pick.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL(exit_code)                                                                                       \
    {                                                                                                        \
        exit_code, exit_code, exit_code                                                                      \
    }

/* Exit codes: ours, a resource's, the command's. */
static const struct {
    const char *name;
    int exit_codes[ORIGIN_COUNT];
} kinds[] = {
    [ERROR_NONE] = {"none", ALL(0)},
    [ERROR_FAILED] = {"failed", ALL(1)},
    [ERROR_USAGE] = {"usage", ALL(2)},
    [ERROR_MANIFEST] = {"manifest-invalid", ALL(3)},
    [ERROR_ENGINE] = {"engine-unreachable", ALL(4)},
    [ERROR_PULL] = {"pull-failed", ALL(5)},
    [ERROR_RESOURCE] = {"resource-failed", {1, 6, 1}},
    [ERROR_TIMEOUT] = {"timeout", ALL(7)},
    [ERROR_PORT] = {"port-conflict", ALL(8)},
    [ERROR_OWNER] = {"not-owner", ALL(9)},
    [ERROR_NOT_RUNNING] = {"not-running", ALL(10)},
    [ERROR_RUN_TIMEOUT] = {"run-timeout", {1, 1, 124}},
    [ERROR_NOT_EXECUTABLE] = {"not-executable", {1, 6, 126}},
    [ERROR_NOT_FOUND] = {"command-not-found", {1, 6, 127}},
    [ERROR_CANCELLED] = {"cancelled", ALL(1)},
    [ERROR_NO_IMAGE] = {"no-such-image", ALL(5)},
    [ERROR_GONE] = {"gone", ALL(1)},
    [ERROR_CONFLICT] = {"conflict", ALL(1)},
    [ERROR_SPACE] = {"no-space", ALL(1)},
    [ERROR_PROTOCOL] = {"protocol", ALL(1)},
    [ERROR_CUT] = {"connection-cut", ALL(4)},
    [ERROR_NO_FILE] = {"no-such-file", ALL(1)},
};
static_assert(sizeof kinds / sizeof *kinds == ERROR_CODE_COUNT, "each kind has its row");
static_assert(ORIGIN_COUNT == 3, "ALL() names each");

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

void error_comes_from(struct error *err, enum error_origin origin)
{
    if (error_is_set(err))
        err->origin = origin;
}

void error_is_exactly(struct error *err, enum error_detail detail)
{
    if (error_is_set(err))
        err->detail = detail;
}

void error_call(struct error *err, const char *from, const char *to)
{
    const char *at = *from ? strstr(err->text, from) : NULL;
    if (!at)
        return;
    char *text = xasprintf("%.*s%s%s", (int)(at - err->text), err->text, to, at + strlen(from));
    free(err->text);
    err->text = text;
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
    to->origin = from->origin;
    to->detail = from->detail;
    to->resource = xstrdup_null(from->resource);
    to->source = from->source;
    to->source.file = xstrdup_null(from->source.file);
    to->text = xstrdup(text_or_empty(from->text));
    to->hint = xstrdup_null(from->hint);
}

/* Asked where a code leaves us: by cli/exit.c for the process, and for those who read one instead of having
 * one, by control/server.c for the answer on the socket and by dashboard/views.c for the page's, which hears
 * an error of its supervisor's and no code. */
int error_exit_code(const struct error *err)
{
    return kinds[err->code].exit_codes[err->origin];
}

const char *error_name(enum error_code code)
{
    if (code >= ERROR_CODE_COUNT)
        return "failed";
    return kinds[code].name;
}

enum error_code error_of_errno(int number)
{
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
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
