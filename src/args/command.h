/* What a command is: one record, from which parsing, help, completion and the man page follow.
 *
 * Each command lives in a file cmd_<name>.c that exports one `const struct command`; cli/commands.c lists
 * them in the order of the help. Options are records too: the global ones in options.c, a command's own
 * beside it. Adding a command is a file and a line; adding an option is a line. */
#ifndef ARGS_COMMAND_H
#define ARGS_COMMAND_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct context;

enum option_type {
    OPTION_FLAG,     /* takes no value */
    OPTION_TEXT,     /* any value */
    OPTION_CHOICE,   /* one of `choices` */
    OPTION_DURATION, /* 500ms, 10s, 1m30s; a bare number is seconds */
    OPTION_COUNT,    /* a number from 0 */
    OPTION_FILE,     /* a path: completion offers files */
    OPTION_FOLDER,
};

/* Whose names a value or an argument is: what completion offers. Each has a row in complete.c. */
enum names {
    NAMES_NONE,
    NAMES_RESOURCES,
    NAMES_ENDPOINTS, /* of the resource that stands before */
    NAMES_SNAPSHOTS, /* likewise */
    NAMES_PROJECTS,
    NAMES_PROFILES,
    NAMES_SIGNALS,
    NAMES_SHELLS,
    NAMES_VERBS,
    NAMES_COUNT
};

struct option {
    const char *name; /* long form without dashes; NULL ends a table */
    char letter;      /* short form, 0: none */
    enum option_type type;
    bool repeat;         /* may be given several times, all count; else the last one wins */
    bool hidden;         /* accepted, not shown */
    const char *value;   /* placeholder in the help: "FILE" */
    const char *choices; /* "auto|tty|plain" */
    enum names names;    /* of a text: which it may be */
    const char *twin;    /* environment variable that stands in, or NULL */
    char twin_separator; /* the twin of a repeatable option is a list split here; 0: one value */
    const char *alias;   /* "color" or "color=never": stands for that option */
    const char *help;    /* one line, no full stop */
};

enum command_group { GROUP_RUN, GROUP_LOOK, GROUP_MANIFEST, GROUP_MACHINE, GROUP_OTHER, GROUP_COUNT };

/* What has to be there before run() is called; the dispatcher sees to it and answers with the right exit
 * code. */
enum command_needs {
    NEEDS_NOTHING = 0,
    NEEDS_PROJECT = 1,  /* identity and state folder: context->project */
    NEEDS_RUNNING = 2,  /* a connection to the project's supervisor: context->client; implies the project */
    NEEDS_MANIFEST = 4, /* loaded, checked and lowered: context->project.plan */
    NEEDS_MODEL = 16,   /* loaded and checked: context->project.model; whose plan is made for another place */
    TAKES_OVER = 8,     /* what a dead session left is used again: nobody takes it away before (heal.h) */
};

struct command {
    const char *name;
    const char *alias;       /* another word for it, or NULL */
    const char *summary;     /* one line, lower case, no full stop */
    const char *usage;       /* what follows the verb; several forms are separated by newlines */
    const char *description; /* paragraphs, newline-separated; printed wrapped */
    const char *examples;    /* "command line\n" … */
    const struct option *options;
    enum command_group group;
    unsigned needs; /* enum command_needs */
    enum names arguments;
    enum names second; /* when the second one is something else than the first */
    int most;          /* positional arguments: at least `least`, at most `most` (-1: any number) */
    int least;
    bool takes_command;       /* what follows "--" is a command line, kept as it is */
    bool command_after_first; /* everything after the first argument is that command line too: `exec RES CMD`
                               */
    bool own_failure_125;     /* failures of ours exit 125, because other codes are the command's */
    bool hidden;
    /* The exit code; or -1 with *err set, which the dispatcher prints and turns into one. */
    int (*run)(struct context *context, struct error *err);
};

/* All that a program has: what parsing, help, completion and the man page are given. */
struct commands {
    const struct command *const *list;        /* NULL-terminated, in the order of the help */
    const struct habit *habits;               /* what other tools call them: suggest.h */
    const struct option_habit *option_habits; /* likewise */
};

/* By name or alias; NULL when there is none. */
const struct command *command_find(const struct commands *commands, const char *name);
const char *command_group_title(enum command_group group);

/* Options that stand before or after every verb; ends with a NULL name. */
const struct option *option_globals(void);
/* The option itself, or the one that it is an alias of: *value is then replaced by the alias's fixed value,
 * if any. */
const struct option *option_resolve(const struct command *command, const struct option *option,
                                    const char **value);

#endif
