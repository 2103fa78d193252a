/* See edit.h. */
#include "library/edit.h"

#include <assert.h>

static struct edit_functions edit_functions;

int libedit_open(struct error *err)
{
    static const char *const names[] = {EDIT_FUNCTIONS(LIBRARY_NAME)};
    static const struct library library = {
        .file = "libedit.so.2",
        .package = "libedit2",
        .what_for = "lines are edited with it",
        .names = names,
        .count = sizeof names / sizeof *names,
        .functions = &edit_functions,
    };
    static_assert(sizeof edit_functions == sizeof names, "a pointer for each name");
    return library_open(&library, err);
}

const struct edit_functions *libedit(void)
{
    return &edit_functions;
}
