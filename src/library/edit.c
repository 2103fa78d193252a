/* See edit.h. */
#include "library/edit.h"

#include <assert.h>

static struct edit_functions edit_functions;

EDIT_FUNCTIONS(LIBRARY_LINKED)
static const char *const edit_names[] = {EDIT_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof edit_functions == sizeof edit_names, "a pointer for each name");

const struct library libedit_library = {
    .file = "libedit.so.2",
    .package = "libedit2",
    .what_for = "lines are edited with it",
    .names = edit_names,
    .count = sizeof edit_names / sizeof *edit_names,
    .functions = &edit_functions,
    .within = LIBRARY_ADDRESSES(EDIT_FUNCTIONS),
};

int libedit_open(struct error *err)
{
    return library_open(&libedit_library, err);
}

const struct edit_functions *libedit(void)
{
    return &edit_functions;
}
