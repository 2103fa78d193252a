/* Tables of the requests. See requests.h. */
#include "control/requests.h"
#include "control/internal.h"

/* Parts that somebody else reads and writes: they stay where they are. */
static cJSON *refer(const void *value, bool spec_only)
{
    const cJSON *const *json = value;
    (void)spec_only;
    if (*json)
        return cJSON_CreateObjectReference((*json)->child);
    return NULL;
}

static bool borrow(const cJSON *json, struct arena *arena, void *value)
{
    const cJSON **at = value;
    (void)arena;
    *at = json;
    return true;
}

const struct record_custom control_borrowed = {refer, borrow};

static const struct record_field ask_hello_rows[] = {
    RECORD_CALLED("protocol", struct ask_hello, protocol, FIELD_INT),
    RECORD_CALLED("version", struct ask_hello, version, FIELD_STRING),
    RECORD_ALWAYS("lease", struct ask_hello, lease, FIELD_BOOL),
};
RECORD(ask_hello_record, struct ask_hello, ask_hello_rows);

static const struct record_field answer_hello_rows[] = {
    RECORD_CALLED("protocol", struct answer_hello, protocol, FIELD_INT),
    RECORD_CALLED("session", struct answer_hello, session, FIELD_STRING),
    RECORD_CALLED("project", struct answer_hello, project, FIELD_STRING),
    RECORD_CALLED("version", struct answer_hello, version, FIELD_STRING),
    RECORD_CALLED("pid", struct answer_hello, pid, FIELD_INT64),
    RECORD_ALWAYS("owner", struct answer_hello, owner, FIELD_INT64),
    RECORD_ALWAYS("detached", struct answer_hello, is_detached, FIELD_BOOL),
    RECORD_CALLED("logs", struct answer_hello, logs, FIELD_STRING),
    RECORD_ALWAYS("ending", struct answer_hello, is_ending, FIELD_BOOL),
};
RECORD(answer_hello_record, struct answer_hello, answer_hello_rows);

#define ROW(text, member, kind) RECORD_ALWAYS(text, struct ask_up, member, kind)
static const struct record_field ask_up_rows[] = {
    RECORD_COUNTED(struct ask_up, resources, resource_count, FIELD_STRINGS, false),
    RECORD_CUSTOM("plan", struct ask_up, plan, const cJSON *, &control_borrowed),
    RECORD_CUSTOM("engine", struct ask_up, engine, const cJSON *, &control_borrowed),
    ROW("only", only, FIELD_BOOL),
    ROW("replace", replace, FIELD_BOOL),
    ROW("defaultsOnly", defaults_only, FIELD_BOOL),
    ROW("forceRecreate", force_recreate, FIELD_BOOL),
    ROW("startedOnly", started_only, FIELD_BOOL),
    ROW("dryRun", dry_run, FIELD_BOOL),
    ROW("lease", lease, FIELD_BOOL),
    ROW("timeoutMs", timeout_ms, FIELD_INT64),
};
#undef ROW
RECORD(ask_up_record, struct ask_up, ask_up_rows);

#define ROW(text, member, kind) RECORD_ALWAYS(text, struct ask_down, member, kind)
static const struct record_field ask_down_rows[] = {
    ROW("leave", leave, FIELD_BOOL),           ROW("persistent", persistent, FIELD_BOOL),
    ROW("volumes", volumes, FIELD_BOOL),       ROW("kill", kill, FIELD_BOOL),
    ROW("timeoutMs", timeout_ms, FIELD_INT64),
};
#undef ROW
RECORD(ask_down_record, struct ask_down, ask_down_rows);

#define ROW(text, member, kind) RECORD_CALLED(text, struct ask_resources, member, kind)
static const struct record_field ask_resources_rows[] = {
    RECORD_COUNTED(struct ask_resources, resources, resource_count, FIELD_STRINGS, false),
    ROW("resource", resource, FIELD_STRING),
    ROW("for", whose, FIELD_STRING),
    ROW("until", until, FIELD_STRING),
    ROW("signal", signal, FIELD_INT),
    ROW("timeoutMs", timeout_ms, FIELD_INT64),
};
#undef ROW
RECORD(ask_resources_record, struct ask_resources, ask_resources_rows);

static const struct record_field ask_hurry_rows[] = {
    RECORD_ALWAYS("kill", struct ask_hurry, kill, FIELD_BOOL),
};
RECORD(ask_hurry_record, struct ask_hurry, ask_hurry_rows);

static const struct record_field answer_exec_rows[] = {
    RECORD_COUNTED(struct answer_exec, argv, argv_count, FIELD_STRINGS, false),
    RECORD_CALLED("cwd", struct answer_exec, folder, FIELD_STRING),
    RECORD_CALLED("containerId", struct answer_exec, container_id, FIELD_STRING),
    RECORD_CUSTOM("environment", struct answer_exec, environment, const cJSON *, &control_borrowed),
};
RECORD(answer_exec_record, struct answer_exec, answer_exec_rows);

cJSON *request_message(const struct record *record, const void *request)
{
    cJSON *message = cJSON_CreateObject();
    record_write(record, request, false, message);
    return message;
}
