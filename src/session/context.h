/* What a command works with: the parsed command line, how to speak, the project, the supervisor.
 *
 * Filled by cli.c before a command's run() according to the command's `needs`; freed after it. */
#ifndef SESSION_CONTEXT_H
#define SESSION_CONTEXT_H

#include "args/args.h"
#include "session/client.h"
#include "ui/output.h"
#include "project/project.h"

struct context {
    struct args args;
    char *const *environment;
    struct output output;
    bool dry_run, yes;
    bool is_told;            /* the failure was reported already, in the command's own way */
    bool awaits_guard;       /* of a session that died: it is waited for, and not only told */
    bool has_other_codes;    /* failures of ours exit 125, whatever the command's record says */
    int64_t wait_timeout_ms; /* 0: the default */
    struct project project;
    struct client client;
};

/* Globals shared by commands. */
static inline bool context_is_json(const struct context *context)
{
    return context->output.json;
}

/* What a project is found by and read with, where a command adds nothing to it. */
static inline struct project_options context_project_options(const struct context *context)
{
    return (struct project_options){.args = &context->args, .environment = context->environment};
}

/* A failure of ours where other codes are somebody's; a reader that went away, as by its signal. */
enum { EXIT_OWN_FAILURE = 125, EXIT_BROKEN_PIPE = 141 };

#endif
