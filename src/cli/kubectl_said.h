/* What kubectl's documents say, as far as anybody here wants to know: structures, each with its table. What
 * a document lacks is zero, and so is whatever stands behind a member of an unknown form. Inside cli/ only.
 */
#ifndef CLI_KUBECTL_SAID_H
#define CLI_KUBECTL_SAID_H

#include "record/record.h"

/* `version --client` */
struct kubectl_release {
    const char *major, *minor;
};
struct kubectl_version {
    struct kubectl_release client;
};

/* `config view` */
struct kubectl_place {
    const char *namespace;
};
struct kubectl_context {
    const char *name;
    struct kubectl_place place;
};
struct kubectl_config {
    const char *current;
    struct kubectl_context *contexts;
    size_t context_count;
};

/* `get secret`: texts by their names, in base64; borrowed from the document. */
struct kubectl_secret {
    const cJSON *data;
};

/* `get pods` */
struct kubectl_waiting {
    const char *message, *reason;
};
struct kubectl_container_state {
    struct kubectl_waiting waiting;
};
struct kubectl_container {
    struct kubectl_container_state state;
};
struct kubectl_pod_status {
    struct kubectl_container *containers;
    size_t container_count;
};
struct kubectl_pod {
    struct kubectl_pod_status status;
};
struct kubectl_pods {
    struct kubectl_pod *items;
    size_t count;
};

/* `get job` */
struct kubectl_condition {
    const char *type, *status;
};
struct kubectl_job_status {
    struct kubectl_condition *conditions;
    size_t condition_count;
};
struct kubectl_job {
    struct kubectl_job_status status;
};

/* `get statefulset`, `get deployment` */
struct kubectl_workload_spec {
    struct record_maybe replicas;
};
struct kubectl_workload {
    struct kubectl_workload_spec spec;
};

RECORD_OF(kubectl_version_record, struct kubectl_version);
RECORD_OF(kubectl_config_record, struct kubectl_config);
RECORD_OF(kubectl_secret_record, struct kubectl_secret);
RECORD_OF(kubectl_pods_record, struct kubectl_pods);
RECORD_OF(kubectl_job_record, struct kubectl_job);
RECORD_OF(kubectl_workload_record, struct kubectl_workload);

/* What has no JSON, in the one place that knows the words. The files that a `diff` of the workload
 * "Deployment.namespace.name" compares are called after it. */
bool kubectl_diff_has(const char *output, const char *workload);
/* The number in the last line of `rollout history`, which tells from the oldest on; 0: there is none. */
int64_t kubectl_last_revision(const char *history);

#endif
