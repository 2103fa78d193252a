/* libedit, opened where a person types. See library.h; its names are words that others use, too, so they are
 * called as members: libedit()->el_gets(). */
#ifndef LIBRARY_EDIT_H
#define LIBRARY_EDIT_H

#include "library/library.h"

#include <histedit.h>

/* clang-format off */
#define EDIT_FUNCTIONS(X) \
    X(el_init) X(el_end) X(el_gets) X(el_set) X(el_line) X(el_insertstr) X(el_deletestr) X(history_init) \
    X(history_end) X(history)
/* clang-format on */
struct edit_functions {
    EDIT_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libedit_library;
/* 0, or -1. */
int libedit_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct edit_functions *libedit(void);

#endif
