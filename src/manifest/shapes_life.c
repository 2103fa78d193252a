/* Shapes of a resource's life: when it is ready, whether it is started again, how it is stopped. */
#include "manifest/tables.h"

#include <regex.h>
#include <string.h>

static int read_nested(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_read_table(l, field->shape->table, value, manifest_slot(object, field->offset));
}

/* --- ready --- */

static int read_http_path(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (*text != '/') {
        manifest_problem(l, value, "`%s` must be a path that starts with /", field->name);
        manifest_hint(l, "the host and the port come from the endpoint");
        return -1;
    }
    struct model_ready *ready = object;
    ready->http_path = text;
    ready->kind = MODEL_READY_HTTP;
    return 0;
}

static int read_ready_tcp(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_ready *ready = object;
    ready->kind = MODEL_READY_TCP;
    ready->endpoint = manifest_final(l, value);
    if (ready->endpoint && !*ready->endpoint)
        return manifest_problem(l, value, "`%s` must be %s", field->name, field->shape->words);
    return ready->endpoint ? 0 : -1;
}

static int read_log(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    (void)field;
    regex_t compiled;
    struct model_ready *ready = object;
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (!*text)
        return manifest_problem(l, value, "an empty pattern is met by every line");

    int code = regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB);
    if (code) {
        char reason[128];
        regerror(code, NULL, reason, sizeof reason);
        manifest_problem(l, value, "this is not an extended regular expression: %s", reason);
        return -1;
    }
    regfree(&compiled);
    ready->kind = MODEL_READY_LOG;
    ready->log_pattern = text;
    return 0;
}

static int read_exec(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_ready *ready = object;
    if (!value->count)
        return manifest_problem(l, value, "`%s` is empty", field->name);
    ready->kind = MODEL_READY_EXEC;
    ready->exec = arena_alloc(l->arena, (value->count + 1) * sizeof *ready->exec);
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i]->kind != NODE_SCALAR)
            return manifest_problem(l, value->items[i], "an argument of `exec` must be text");
        ready->exec[i] = manifest_final(l, value->items[i]);
    }
    return 0;
}

static void finish_ready(struct loader *l, struct yaml_node *map, void *object)
{
    static const char *const probes[] = {"http", "tcp", "log", "exec"};
    struct model_ready *ready = object;
    const struct yaml_node *first = NULL;

    ready->pos = map->pos;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        const struct yaml_node *key = manifest_get_key(map, probes[i]);
        if (key && first)
            manifest_problem(l, key, "`ready` has both `%s` and `%s`; one of them decides", first->text,
                             key->text);
        if (!first)
            first = key;
    }
    bool is_http = first && strcmp(first->text, "http") == 0;
    if (manifest_get(map, "endpoint") && !is_http)
        manifest_problem(l, manifest_get_key(map, "endpoint"), "`endpoint` goes with `http`");
    if (manifest_get(map, "status") && !is_http)
        manifest_problem(l, manifest_get_key(map, "status"), "`status` goes with `http`");
}

typedef struct model_ready shape_http_path_value;
static const struct shape shape_http_path = {
    .words = "a path such as /health", .accept = ACCEPT_TEXT, .read = read_http_path};
typedef struct model_ready shape_ready_tcp_value;
static const struct shape shape_ready_tcp = {
    .words = "an endpoint's name", .accept = ACCEPT_TEXT, .read = read_ready_tcp};
typedef struct model_ready shape_log_value;
static const struct shape shape_log = {
    .words = "an extended regular expression", .accept = ACCEPT_SCALAR, .read = read_log};
typedef struct model_ready shape_exec_value;
static const struct shape shape_exec = {
    .words = "a list of arguments", .accept = ACCEPT_LIST, .read = read_exec, .item = &shape_text};

static const struct field ping_fields[] = {
    {.name = "interval",
     VALUE(shape_duration, struct model_ready, interval_ms),
     .min = 1,
     .max = 3600000,
     .fallback = "grows from 2 ms to 250 ms",
     .help = "Time between two probes."},
    {.name = "timeout",
     VALUE(shape_duration, struct model_ready, timeout_ms),
     .min = 1,
     .max = 86400000,
     .fallback = "the command's --wait-timeout",
     .help = "How long getting ready may take as a whole."},
};
static void finish_ping(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_ready *ready = object;
    (void)l;
    ready->pos = map->pos;
}
const struct table table_ping = {.name = "server_ready",
                                 .help = "`ready` of a server",
                                 .fields = ping_fields,
                                 .count = FIELD_COUNT(ping_fields),
                                 .finish = finish_ping};

static const struct field ready_fields[] = {
    {.name = "http",
     WHOLE(shape_http_path, struct model_ready),
     .help = "GET this path of `endpoint` until it answers `status`."},
    {.name = "endpoint",
     VALUE(shape_text, struct model_ready, endpoint),
     .fallback = "the first one",
     .help = "The endpoint that `http` asks."},
    {.name = "status",
     VALUE(shape_number, struct model_ready, http_status),
     .min = 100,
     .max = 599,
     .fallback = "any from 200 to 399",
     .help = "The answer that means ready."},
    {.name = "tcp", WHOLE(shape_ready_tcp, struct model_ready), .help = "Connect to this endpoint."},
    {.name = "log",
     WHOLE(shape_log, struct model_ready),
     .help = "Wait for a line that matches this extended regular expression."},
    {.name = "exec", WHOLE(shape_exec, struct model_ready), .help = "Run this until it exits with 0."},
};
static const struct table table_ready = {.name = "ready",
                                         .help = "`ready`",
                                         .fields = ready_fields,
                                         .count = FIELD_COUNT(ready_fields),
                                         .base = &table_ping,
                                         .finish = finish_ready};

/* --- restart, stop --- */

static int read_policy(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_restart *restart = object;
    const char *text = manifest_final(l, value);
    int index = names_find(&model_restart_names, text);

    if (index >= 0)
        restart->when = (enum model_restart_when)index;
    if (!text || index >= 0)
        return index < 0 ? -1 : 0;
    manifest_bad_value(l, field, value);
    if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
        manifest_hint(l, "compose's `no` is `never` here");
    else if (strcmp(text, "unless-stopped") == 0)
        manifest_hint(l, "`always` is what you want: what you stop stays stopped");
    else
        manifest_hint_nearest(l, text, model_restart_names.texts, model_restart_names.count, NULL);
    return -1;
}

static void finish_restart(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_restart *restart = object;
    if (!manifest_get(map, "policy"))
        restart->when = MODEL_RESTART_ON_FAILURE;
    if (manifest_get(map, "backoff") && !manifest_get(map, "max_backoff") &&
        restart->max_backoff_ms < restart->backoff_ms)
        restart->max_backoff_ms = restart->backoff_ms;
    if (restart->max_backoff_ms < restart->backoff_ms)
        manifest_problem(l, manifest_get(map, "max_backoff"), "`max_backoff` is shorter than `backoff`");
}

typedef struct model_restart shape_policy_value;
static const struct shape shape_policy = {.words = "`never`, `on-failure` or `always`",
                                          .accept = ACCEPT_TEXT,
                                          .read = read_policy,
                                          .choices = &model_restart_names};
static const struct field restart_fields[] = {
    {.name = "policy",
     WHOLE(shape_policy, struct model_restart),
     .fallback = "on-failure",
     .help = "When to start it again."},
    {.name = "backoff",
     VALUE(shape_duration, struct model_restart, backoff_ms),
     .min = 1,
     .max = 3600000,
     .fallback = "1s",
     .help = "Pause before the first restart; doubles each time, with jitter."},
    {.name = "max_backoff",
     VALUE(shape_duration, struct model_restart, max_backoff_ms),
     .min = 1,
     .max = 86400000,
     .fallback = "1m",
     .help = "Longest pause."},
    {.name = "max_retries",
     VALUE(shape_number, struct model_restart, max_retries),
     .min = 0,
     .max = 1000000,
     .fallback = "no limit",
     .help = "Give up after so many restarts in a row."},
};
static const struct table table_restart = {.name = "restart",
                                           .help = "`restart`",
                                           .fields = restart_fields,
                                           .count = FIELD_COUNT(restart_fields),
                                           .finish = finish_restart};

static int read_restart(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    void *slot = manifest_slot(object, field->offset);
    return value->kind == NODE_MAP ? manifest_read_table(l, &table_restart, value, slot)
                                   : read_policy(l, field, value, slot);
}

static const struct field stop_fields[] = {
    {.name = "signal",
     VALUE(shape_signal, struct model_stop, signal),
     .fallback = "TERM",
     .help = "The signal that asks it to end."},
    {.name = "timeout",
     VALUE(shape_duration, struct model_stop, timeout_ms),
     .min = 1,
     .max = 86400000,
     .fallback = "10s",
     .help = "How long it may take before it is killed."},
};
static const struct table table_stop = {
    .name = "stop", .help = "`stop`", .fields = stop_fields, .count = FIELD_COUNT(stop_fields)};

const struct shape shape_ready = {.words = "a map with http, tcp, log or exec",
                                  .accept = ACCEPT_TABLE,
                                  .read = read_nested,
                                  .table = &table_ready};
const struct shape shape_server_ready = {.words = "a map with interval and timeout",
                                         .accept = ACCEPT_TABLE,
                                         .read = read_nested,
                                         .table = &table_ping};
const struct shape shape_restart = {.words = "`never`, `on-failure`, `always`, or {policy, backoff, …}",
                                    .accept = ACCEPT_TEXT | ACCEPT_TABLE,
                                    .read = read_restart,
                                    .choices = &model_restart_names,
                                    .table = &table_restart};
const struct shape shape_stop = {.words = "a map with signal and timeout",
                                 .accept = ACCEPT_TABLE,
                                 .read = read_nested,
                                 .table = &table_stop};
