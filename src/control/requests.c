/* Tables of the requests. See requests.h. */
#include "control/requests.h"
#include "control/internal.h"

#include "base/names.h"

static NAMES(ask_names,
             ASK_COUNT, [ASK_HELLO] = "hello", [ASK_UP] = "up", [ASK_DOWN] = "down", [ASK_START] = "start",
             [ASK_STOP] = "stop", [ASK_RESTART] = "restart", [ASK_KILL] = "kill", [ASK_CUT] = "cut",
             [ASK_HEAL] = "heal", [ASK_WAIT] = "wait", [ASK_VIEW] = "view", [ASK_WATCH] = "watch",
             [ASK_HISTORY] = "history", [ASK_USAGE] = "usage", [ASK_LOGS] = "logs", [ASK_EDGES] = "edges",
             [ASK_DETAILS] = "details", [ASK_ENV] = "env", [ASK_EXEC_INFO] = "exec-info",
             [ASK_SECRETS] = "secrets", [ASK_HURRY] = "hurry", [ASK_BYE] = "bye");

const char *ask_name(enum ask ask)
{
    return names_text(&ask_names, ask);
}

enum ask ask_by_name(const char *name)
{
    int ask = names_find(&ask_names, name);
    if (ask < 0)
        return ASK_COUNT;
    return (enum ask)ask;
}

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
