/* What the files of `deploy kubernetes` share: one conversation with the user's cluster. See
 * deploy_kubernetes.c. */
#ifndef CLI_ROLLOUT_H
#define CLI_ROLLOUT_H

#include "cli/deploy.h"
#include "cli/deployment.h"
#include "cli/kubectl.h"
#include "publish/publish.h"

enum { ROLLOUT_APPLY_MS = 120 * 1000 };

struct rollout {
    struct context *context;
    const struct deploy_options *options;
    struct kubectl kubectl;
    struct cli_deployment wanted;
    struct publish_files files;
    char *folder;
    char *selector; /* labels of all that is ours */
    struct strlist stale;
    /* Of each service, in order: what waits for a task comes after it. */
    int *stages, last_stage;
};

/* Names context and namespace, and asks once; -1: nothing is to be done. */
int rollout_confirm(const struct rollout *r, const char *what, struct error *err);
/* Until every workload is ready. */
int rollout_wait(struct rollout *r, struct error *err);

/* ---- rollout_back.c ---- */

/* "statefulset/cache": the caller frees. */
char *rollout_workload(const struct deployment_service *s);
/* Remembers which workloads this deploy changes, by the difference that was read last. */
int rollout_remember(struct rollout *r, struct error *err);
/* What was refused changed nothing, or who knows what: there is nothing to go back from. */
void rollout_forget(struct rollout *r);
/* What the last deploy from here changed becomes again what it was before. */
int rollout_undo(struct rollout *r, struct error *err);

#endif
