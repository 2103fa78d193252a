/* What a line that is being typed wants next, from the tables.
 *
 * Pure: no manifest is read and nothing is printed; complete.c fills in the names. */
#ifndef ARGS_COMPLETION_H
#define ARGS_COMPLETION_H

#include "args/command.h"

enum due_kind {
    DUE_NOTHING, /* or nobody knows what */
    DUE_NAMES,   /* `names` */
    DUE_OPTION,  /* an option's name: of `command`, or a global one */
    DUE_VALUE,   /* of `option`: a choice, a file, a folder, `names` */
    DUE_COMMAND, /* a command line of somebody else, from word `at` on */
};

struct due {
    enum due_kind kind;
    const struct command *command; /* NULL: no verb stands there yet */
    const struct option *option;
    enum names names;
    int at;            /* the first word that is not parsed: what stands before tells project and resource */
    const char *typed; /* what is there of it, borrowed */
    int lead;          /* "--file=" in front of `typed`, in bytes */
};

/* words: all that follow "apphost", the last one is being typed (and may be empty); count > 0. */
void completion_due(const struct commands *commands, char *const *words, int count, struct due *due);

#endif
