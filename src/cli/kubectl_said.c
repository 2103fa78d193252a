/* Tables of kubectl's documents. See kubectl_said.h. */
#include "cli/kubectl_said.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define ROW(text, member) RECORD_CALLED(text, OWNER, member, FIELD_STRING)
#define INSIDE(text, member, record)                                                                         \
    {                                                                                                        \
        .name = text, .type = FIELD_STRUCT, .offset = RECORD_OFFSET(OWNER, member, record##_owner),          \
        .sub = &(record)                                                                                     \
    }
#define LIST(text, member, counter, record)                                                                  \
    {                                                                                                        \
        .name = text, .type = FIELD_ARRAY, .offset = RECORD_OFFSET(OWNER, member, record##_owner *),         \
        .count_offset = RECORD_OFFSET(OWNER, counter, size_t), .sub = &(record)                              \
    }

#define OWNER struct kubectl_release
static const struct record_field release_rows[] = {ROW("major", major), ROW("minor", minor)};
static RECORD(release_record, OWNER, release_rows);
#undef OWNER
#define OWNER struct kubectl_version
static const struct record_field version_rows[] = {INSIDE("clientVersion", client, release_record)};
RECORD(kubectl_version_record, OWNER, version_rows);
#undef OWNER

#define OWNER struct kubectl_place
static const struct record_field place_rows[] = {ROW("namespace", namespace)};
static RECORD(place_record, OWNER, place_rows);
#undef OWNER
#define OWNER struct kubectl_context
static const struct record_field context_rows[] = {ROW("name", name), INSIDE("context", place, place_record)};
static RECORD(context_record, OWNER, context_rows);
#undef OWNER
/* Without contexts it has null for them: so they come last. */
#define OWNER struct kubectl_config
static const struct record_field config_rows[] = {ROW("current-context", current),
                                                  LIST("contexts", contexts, context_count, context_record)};
RECORD(kubectl_config_record, OWNER, config_rows);
#undef OWNER

#define OWNER struct kubectl_secret
static const struct record_field secret_rows[] = {
    RECORD_CUSTOM("data", OWNER, data, const cJSON *, &record_borrowed)};
RECORD(kubectl_secret_record, OWNER, secret_rows);
#undef OWNER

#define OWNER struct kubectl_waiting
static const struct record_field waiting_rows[] = {ROW("message", message), ROW("reason", reason)};
static RECORD(waiting_record, OWNER, waiting_rows);
#undef OWNER
#define OWNER struct kubectl_container_state
static const struct record_field state_rows[] = {INSIDE("waiting", waiting, waiting_record)};
static RECORD(state_record, OWNER, state_rows);
#undef OWNER
#define OWNER struct kubectl_container
static const struct record_field container_rows[] = {INSIDE("state", state, state_record)};
static RECORD(container_record, OWNER, container_rows);
#undef OWNER
#define OWNER struct kubectl_pod_status
static const struct record_field pod_status_rows[] = {
    LIST("containerStatuses", containers, container_count, container_record)};
static RECORD(pod_status_record, OWNER, pod_status_rows);
#undef OWNER
#define OWNER struct kubectl_pod
static const struct record_field pod_rows[] = {INSIDE("status", status, pod_status_record)};
static RECORD(pod_record, OWNER, pod_rows);
#undef OWNER
#define OWNER struct kubectl_pods
static const struct record_field pods_rows[] = {LIST("items", items, count, pod_record)};
RECORD(kubectl_pods_record, OWNER, pods_rows);
#undef OWNER

#define OWNER struct kubectl_condition
static const struct record_field condition_rows[] = {ROW("type", type), ROW("status", status)};
static RECORD(condition_record, OWNER, condition_rows);
#undef OWNER
#define OWNER struct kubectl_job_status
static const struct record_field job_status_rows[] = {
    LIST("conditions", conditions, condition_count, condition_record)};
static RECORD(job_status_record, OWNER, job_status_rows);
#undef OWNER
#define OWNER struct kubectl_job
static const struct record_field job_rows[] = {INSIDE("status", status, job_status_record)};
RECORD(kubectl_job_record, OWNER, job_rows);
#undef OWNER

#define OWNER struct kubectl_workload_spec
static const struct record_field workload_spec_rows[] = {
    RECORD_CALLED("replicas", OWNER, replicas, FIELD_MAYBE)};
static RECORD(workload_spec_record, OWNER, workload_spec_rows);
#undef OWNER
#define OWNER struct kubectl_workload
static const struct record_field workload_rows[] = {INSIDE("spec", spec, workload_spec_record)};
RECORD(kubectl_workload_record, OWNER, workload_rows);
#undef OWNER

/* ---- texts ---- */

bool kubectl_diff_has(const char *output, const char *workload)
{
    cleanup_free char *file = xasprintf("/apps.v1.%s ", workload);
    return strstr(output, file) != NULL;
}

int64_t kubectl_last_revision(const char *history)
{
    int64_t last = 0;
    for (const char *line = history; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        cleanup_free char *number = xstrndup(line, strspn(line, "0123456789"));
        if (*number)
            str_to_int64(number, 0, INT64_MAX, &last);
    }
    return last;
}
