/* What was probably meant: hints for words that apphost does not know.
 *
 * A word that another tool has for the same thing (compose, docker, kubectl, vagrant, Aspire) leads to ours;
 * else the nearest of our own words is offered; else where the list of them is. Each function sets the error
 * with its hint and returns -1. */
#ifndef ARGS_SUGGEST_H
#define ARGS_SUGGEST_H

#include "base/error.h"
#include "args/args.h"

/* A verb of another tool: ours, what follows it, and (where it is not the same thing) what to know. A table
 * of them ends with a NULL word. */
struct habit {
    const char *word;
    const struct command *command;
    const char *rest, *note;
};
/* An option of another tool, with its dashes. With a command the hint is a sentence about that verb; without
 * one it is the option of ours that means the same after every verb. Those of a verb come first. A table ends
 * with NULL. */
struct option_habit {
    const char *written;
    const struct command *command;
    const char *hint;
};

/* after: what stands before the verb in the hint, "apphost" or "apphost help". */
int suggest_verb(const struct commands *commands, const char *word, const char *after, struct error *err);
/* written: with its dashes, without a value. */
int suggest_option(const struct args *args, const char *written, struct error *err);
/* "no resource is called …"; names: those there are. */
int suggest_resource(const char *name, const char *const *names, size_t count, struct error *err);
/* `run` without "--": words are the arguments, of which the first `resources` are names of resources. */
int suggest_dashes(const struct args *args, size_t resources, struct error *err);

#endif
