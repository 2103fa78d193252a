/* What commands ask the supervisor for: one structure and one table for each family of verbs, for both ends.
 *
 * What is false, zero or empty is not written, and reads as that. Texts and lists are borrowed by a structure
 * that is written; what is read lies in the caller's arena, plan and engine in the message itself. */
#ifndef CONTROL_REQUESTS_H
#define CONTROL_REQUESTS_H

#include "record/record.h"

/* The verbs. The supervisor's table has a row for each (supervisor/verbs.c), and so have the tests of
 * commands whose supervisor dies, stalls or answers late (tests/unit/cli/test_every_request.c). */
enum ask {
    ASK_HELLO,
    ASK_UP,
    ASK_DOWN,
    ASK_START,
    ASK_STOP,
    ASK_RESTART,
    ASK_KILL,
    ASK_CUT,
    ASK_HEAL,
    ASK_WAIT,
    ASK_VIEW,
    ASK_WATCH,
    ASK_HISTORY,
    ASK_USAGE,
    ASK_LOGS,
    ASK_EDGES,
    ASK_DETAILS,
    ASK_ENV,
    ASK_EXEC_INFO,
    ASK_SECRETS,
    ASK_HURRY,
    ASK_BYE,
    ASK_COUNT
};
const char *ask_name(enum ask ask);
/* ASK_COUNT: there is none of that name. */
enum ask ask_by_name(const char *name);

struct ask_hello {
    int protocol;
    const char *version;
    bool lease;
};
struct answer_hello {
    int protocol;
    const char *session, *project, *version;
    int64_t pid;
    int64_t owner; /* pid of the command that holds the session; 0: detached */
    bool is_detached;
    const char *logs;
    bool is_ending; /* a down is under way */
};

struct ask_up {
    const char **resources;
    size_t resource_count;
    const cJSON *plan, *engine;
    bool only, replace, defaults_only, force_recreate, started_only, dry_run, lease;
    int64_t timeout_ms;
};

struct ask_down {
    bool leave; /* a down only when nobody else holds the session */
    bool persistent, volumes, kill;
    int64_t timeout_ms;
};

/* start, stop, restart, kill; wait; env; exec-info. */
struct ask_resources {
    const char **resources;
    size_t resource_count;
    const char *resource; /* exec-info */
    const char *whose;    /* env: the whole environment of this one */
    const char *until;    /* wait: plan_until_name() */
    int signal;           /* kill */
    int64_t timeout_ms;
};

struct ask_hurry {
    bool kill;
};

struct answer_exec {
    const char **argv;
    size_t argv_count;
    const char *folder, *container_id;
    const char **environment; /* "NAME=value"; may hold passwords */
    size_t environment_count;
};

/* What whoever tells texts of ours takes out of them; borrowed from the message. */
struct answer_secrets {
    const cJSON *secrets; /* texts */
};

RECORD_OF(ask_hello_record, struct ask_hello);
RECORD_OF(answer_hello_record, struct answer_hello);
RECORD_OF(ask_up_record, struct ask_up);
RECORD_OF(ask_down_record, struct ask_down);
RECORD_OF(ask_resources_record, struct ask_resources);
RECORD_OF(ask_hurry_record, struct ask_hurry);
RECORD_OF(answer_exec_record, struct answer_exec);
cJSON *answer_exec_to_json(const struct answer_exec *answer);
RECORD_OF(answer_secrets_record, struct answer_secrets);

#endif
