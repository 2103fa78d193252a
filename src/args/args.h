/* The command line, parsed: which verb, which options, which arguments.
 *
 * GNU forms: --long=val, --long val, -x val, -xval, bundled flags, options anywhere, "--" ends them. Globals
 * stand before or after the verb; after it the verb's own options win. Values are checked for their type
 * while parsing. An option that was not given takes its value from its environment twin.
 *
 * Texts are borrowed from argv and the environment, which outlive the parsed form. */
#ifndef ARGS_ARGS_H
#define ARGS_ARGS_H

#include "base/error.h"
#include "base/str.h"
#include "args/command.h"

#include <stdint.h>

enum { ARGS_OPTIONS = 256 };

struct args_item {
    const struct option *option;
    const char *value; /* "" for flags */
    bool from_environment;
};

struct args {
    const struct commands *commands; /* the tables that it was parsed by */
    const struct command *command;   /* NULL: no verb was given */
    struct args_item items[ARGS_OPTIONS];
    int item_count;
    struct strlist owned; /* pieces of split twins */
    struct strlist names; /* positional arguments */
    char *const *rest;    /* after "--", for commands that take a command line: NULL-terminated, or NULL */
};

/* -1 with ERROR_USAGE and a hint on anything that is not understood. args->command tells how far it came. */
int args_parse(struct args *args, const struct commands *commands, int argc, char *const *argv,
               char *const *environment, struct error *err);
void args_free(struct args *args);

/* The option that is meant after this verb (NULL: before one), or NULL. */
const struct option *args_option_long(const struct command *command, const char *name, size_t length);
const struct option *args_option_letter(const struct command *command, char letter);

/* The name must be one of the tables' (it aborts otherwise: a misspelt name is a bug). */
bool args_flag(const struct args *args, const char *name);
/* The last value given, the twin's, or NULL. */
const char *args_value(const struct args *args, const char *name);
void args_values(const struct args *args, const char *name, struct strlist *out);
int64_t args_duration_ms(const struct args *args, const char *name, int64_t fallback);
int64_t args_count(const struct args *args, const char *name, int64_t fallback);
/* It came from its environment twin, not from a flag. */
bool args_from_environment(const struct args *args, const char *name);

#endif
