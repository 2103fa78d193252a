/* The user's kubectl, as a child: one call after the other, each waited for. Its context and namespace are
 * those that the command line says, else kubectl's own; they are asked once and pinned, so that a change of
 * the user's configuration in between moves nothing. Nothing secret stands in its arguments. Inside cli/
 * only.
 *
 * Ownership: kubectl_close(). An answer's texts are valid until the next call. */
#ifndef CLI_KUBECTL_H
#define CLI_KUBECTL_H

#include "cli/kubectl_said.h"
#include "session/context.h"
#include "process/process.h"

struct kubectl {
    const struct context *context;
    char *config_context, *namespace; /* pinned */
    struct client client;             /* a loop and signals alone */
    struct strbuf output, complaint;
    int code;
    bool has_ended;
};

/* Finds it, and what it points at: ERROR_NOT_FOUND without kubectl, ERROR_ENGINE when it is too old for
 * server-side apply, or points at nothing. context_name, namespace: what the user says, or NULL. */
int kubectl_open(struct kubectl *k, const struct context *context, const char *context_name,
                 const char *namespace, struct error *err);
void kubectl_close(struct kubectl *k);
/* Runs `kubectl WORDS…` (ends with NULL) to its end; 0 whatever its exit code, which is k->code. -1 when it
 * could not be run, was interrupted, or took longer than limit_ms. */
int kubectl_run(struct kubectl *k, const char *const *words, int64_t limit_ms, struct error *err);
/* The same, and a failure of its own is one: ERROR_ENGINE with its last words. */
int kubectl_do(struct kubectl *k, const char *const *words, int64_t limit_ms, struct error *err);
/* k->output as JSON; NULL when it is none. The caller deletes. */
cJSON *kubectl_json(const struct kubectl *k);
/* The same by a table of kubectl_said.h: texts in the arena. */
void kubectl_read(const struct kubectl *k, const struct record *record, struct arena *arena, void *into);

#endif
