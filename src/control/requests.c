/* Tables of the requests. See requests.h. */
#include "control/requests.h"
#include "control/internal.h"

#define OWNER struct ask_hello
static const struct record_field ask_hello_rows[] = {
    ROW("protocol", protocol, FIELD_INT),
    ROW("version", version, FIELD_STRING),
    ALWAYS("lease", lease, FIELD_BOOL),
};
RECORD(ask_hello_record, OWNER, ask_hello_rows);
#undef OWNER

#define OWNER struct answer_hello
static const struct record_field answer_hello_rows[] = {
    ROW("protocol", protocol, FIELD_INT),
    ROW("session", session, FIELD_STRING),
    ROW("project", project, FIELD_STRING),
    ROW("version", version, FIELD_STRING),
    ROW("pid", pid, FIELD_INT64),
    ALWAYS("owner", owner, FIELD_INT64),
    ALWAYS("detached", is_detached, FIELD_BOOL),
    ROW("logs", logs, FIELD_STRING),
    ALWAYS("ending", is_ending, FIELD_BOOL),
};
RECORD(answer_hello_record, OWNER, answer_hello_rows);
#undef OWNER

#define OWNER struct ask_up
static const struct record_field ask_up_rows[] = {
    TEXTS(resources, resource_count),
    CUSTOM("plan", plan, const cJSON *, &record_borrowed),
    CUSTOM("engine", engine, const cJSON *, &record_borrowed),
    ALWAYS("only", only, FIELD_BOOL),
    ALWAYS("replace", replace, FIELD_BOOL),
    ALWAYS("defaultsOnly", defaults_only, FIELD_BOOL),
    ALWAYS("forceRecreate", force_recreate, FIELD_BOOL),
    ALWAYS("startedOnly", started_only, FIELD_BOOL),
    ALWAYS("dryRun", dry_run, FIELD_BOOL),
    ALWAYS("lease", lease, FIELD_BOOL),
    ALWAYS("timeoutMs", timeout_ms, FIELD_INT64),
};
RECORD(ask_up_record, OWNER, ask_up_rows);
#undef OWNER

#define OWNER struct ask_down
static const struct record_field ask_down_rows[] = {
    ALWAYS("leave", leave, FIELD_BOOL),           ALWAYS("persistent", persistent, FIELD_BOOL),
    ALWAYS("volumes", volumes, FIELD_BOOL),       ALWAYS("kill", kill, FIELD_BOOL),
    ALWAYS("timeoutMs", timeout_ms, FIELD_INT64),
};
RECORD(ask_down_record, OWNER, ask_down_rows);
#undef OWNER

#define OWNER struct ask_resources
static const struct record_field ask_resources_rows[] = {
    TEXTS(resources, resource_count), ROW("resource", resource, FIELD_STRING),
    ROW("for", whose, FIELD_STRING),  ROW("until", until, FIELD_STRING),
    ROW("signal", signal, FIELD_INT), ROW("timeoutMs", timeout_ms, FIELD_INT64),
};
RECORD(ask_resources_record, OWNER, ask_resources_rows);
#undef OWNER

#define OWNER struct ask_hurry
static const struct record_field ask_hurry_rows[] = {
    ALWAYS("kill", kill, FIELD_BOOL),
};
RECORD(ask_hurry_record, OWNER, ask_hurry_rows);
#undef OWNER

#define OWNER struct answer_exec
static const struct record_field answer_exec_rows[] = {
    TEXTS(argv, argv_count),
    ROW("cwd", folder, FIELD_STRING),
    ROW("containerId", container_id, FIELD_STRING),
    TEXTS(environment, environment_count),
};
RECORD(answer_exec_record, OWNER, answer_exec_rows);
#undef OWNER

cJSON *answer_exec_to_json(const struct answer_exec *answer)
{
    return record_to_json(&answer_exec_record, answer);
}

#define OWNER struct answer_secrets
static const struct record_field answer_secrets_rows[] = {
    CUSTOM("secrets", secrets, const cJSON *, &record_borrowed),
};
RECORD(answer_secrets_record, OWNER, answer_secrets_rows);
#undef OWNER
