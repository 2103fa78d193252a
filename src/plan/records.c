/* The field tables of the plan's records: one row a field drives JSON in both directions, the specification
 * hash and
 * --explain. The last column says whether a field is part of the specification: what an object is made of,
 * not how it is watched or stopped, and never network membership. */
#include "plan/internal.h"

#include <stddef.h>

#define TEXT(owner, member, ...)                                                                             \
    {                                                                                                        \
        .name = #member, .type = FIELD_CUSTOM, .offset = RECORD_OFFSET(owner, member, struct plan_text),     \
        .custom = &late_text, .in_spec = __VA_ARGS__                                                         \
    }

static cJSON *write_text(const void *value, bool spec_only)
{
    const struct plan_text *text = value;
    return text->count ? plan_text_to_json(text, spec_only) : NULL;
}

static bool read_text(const cJSON *json, struct arena *arena, void *value)
{
    return plan_text_from_json(json, arena, value);
}

/* A late value. */
static const struct record_custom late_text = {write_text, read_text};

/* A kind of resource, by the name that the model has for it. The first one is not written, as with all names:
 * what is missing reads as it. */
static cJSON *write_kind(const void *value, bool spec_only)
{
    const enum model_kind *kind = value;
    (void)spec_only;
    return *kind ? cJSON_CreateString(model_kind_name(*kind)) : NULL;
}

static bool read_kind(const cJSON *json, struct arena *arena, void *value)
{
    enum model_kind *kind = value;
    (void)arena;
    *kind = cJSON_IsString(json) ? model_find_kind(json->valuestring) : MODEL_KIND_COUNT;
    return *kind != MODEL_KIND_COUNT;
}

static const struct record_custom kind_by_name = {write_kind, read_kind};

static NAMES(
    kind_names,
    PLAN_NODE_KIND_COUNT, [PLAN_IMAGE] = "image", [PLAN_NETWORK] = "network", [PLAN_VOLUME] = "volume",
    [PLAN_CONTAINER] = "container", [PLAN_PROCESS] = "process", [PLAN_VALUE] = "value");
static NAMES(until_names, PLAN_UNTIL_COUNT, [PLAN_STARTED] = "started", [PLAN_HEALTHY] = "healthy",
             [PLAN_COMPLETED] = "completed", [PLAN_GONE] = "gone");
static NAMES(probe_names, PLAN_PROBE_KIND_COUNT, [PLAN_PROBE_NONE] = "none", [PLAN_PROBE_PING] = "ping",
             [PLAN_PROBE_HTTP] = "http", [PLAN_PROBE_TCP] = "tcp", [PLAN_PROBE_LOG] = "log",
             [PLAN_PROBE_EXEC] = "exec", [PLAN_PROBE_IMAGE_HEALTH] = "image-health");
static NAMES(input_end_names, PLAN_INPUT_END_COUNT, [PLAN_INPUT_DEFAULT] = "default",
             [PLAN_INPUT_OPEN] = "open", [PLAN_INPUT_CLOSED] = "closed");

const char *plan_node_kind_name(enum plan_node_kind kind)
{
    return names_text(&kind_names, kind);
}

const char *plan_until_name(enum plan_until until)
{
    return names_text(&until_names, until);
}

static const struct record_field pos_fields[] = {
    RECORD_FIELD(struct model_pos, file, FIELD_STRING, false),
    RECORD_FIELD(struct model_pos, line, FIELD_INT, false),
    RECORD_FIELD(struct model_pos, column, FIELD_INT, false),
};
static RECORD(pos, struct model_pos, pos_fields);

static const struct record_field variable_fields[] = {
    RECORD_FIELD(struct plan_variable, name, FIELD_STRING, true),
    TEXT(struct plan_variable, value, true),
};
static RECORD(variable, struct plan_variable, variable_fields);

static const struct record_field word_fields[] = {
    {.name = "text", .type = FIELD_CUSTOM, .custom = &late_text, .in_spec = true}, /* the whole of it */
};
RECORD(plan_record_word, struct plan_text, word_fields);

static const struct record_field pair_fields[] = {
    RECORD_FIELD(struct model_pair, name, FIELD_STRING, true),
    RECORD_FIELD(struct model_pair, value, FIELD_STRING, true),
};
static RECORD(pair, struct model_pair, pair_fields);

static const struct record_field edge_fields[] = {
    RECORD_FIELD(struct plan_edge, to, FIELD_STRING, false),
    RECORD_NAMED(struct plan_edge, until, until_names, false),
    RECORD_FIELD(struct plan_edge, required, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_edge, explicit_wait, FIELD_BOOL, false),
};
static RECORD(edge, struct plan_edge, edge_fields);

/* How a row is called when it is told; see forms.c for what is more than a name. */
#define CALLED(name)                                                                                         \
    .form = &(const struct record_form)                                                                      \
    {                                                                                                        \
        .label = name                                                                                        \
    }

static const struct record_field probe_fields[] = {
    RECORD_NAMED(struct plan_probe, kind, probe_names, false, CALLED("ready")),
    RECORD_FIELD(struct plan_probe, endpoint, FIELD_STRING, false, CALLED("ready.endpoint")),
    RECORD_FIELD(struct plan_probe, http_path, FIELD_STRING, false, CALLED("ready.http")),
    RECORD_FIELD(struct plan_probe, http_status, FIELD_INT, false, CALLED("ready.status")),
    RECORD_FIELD(struct plan_probe, log_pattern, FIELD_STRING, false, CALLED("ready.log")),
    RECORD_FIELD(struct plan_probe, exec, FIELD_ARGV, false, CALLED("ready.exec")),
    TEXT(struct plan_probe, password, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_probe, tls, FIELD_BOOL, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_probe, ca_file, FIELD_STRING, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_probe, tls_name, FIELD_STRING, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_probe, interval_ms, FIELD_INT64, false, .form = &plan_form_interval),
    RECORD_FIELD(struct plan_probe, timeout_ms, FIELD_INT64, false, .form = &plan_form_timeout),
};
RECORD(plan_record_probe, struct plan_probe, probe_fields);

static const struct record_field port_fields[] = {
    RECORD_FIELD(struct plan_port, endpoint, FIELD_STRING, true),
    RECORD_FIELD(struct plan_port, scheme, FIELD_STRING, false),
    RECORD_FIELD(struct plan_port, target_port, FIELD_INT, true),
    RECORD_FIELD(struct plan_port, fixed_port, FIELD_INT, true),
    RECORD_FIELD(struct plan_port, preferred_port, FIELD_INT, false),
    RECORD_FIELD(struct plan_port, bind_address, FIELD_STRING, true),
    RECORD_FIELD(struct plan_port, host, FIELD_STRING, false),
    RECORD_FIELD(struct plan_port, at_gateway, FIELD_BOOL, true),
    RECORD_NESTED(struct plan_port, pos, pos, false),
};
static RECORD(port, struct plan_port, port_fields);

static const struct record_field mount_fields[] = {
    RECORD_FIELD(struct plan_mount, is_volume, FIELD_BOOL, true),
    RECORD_FIELD(struct plan_mount, read_only, FIELD_BOOL, true),
    RECORD_FIELD(struct plan_mount, external, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_mount, source, FIELD_STRING, true),
    RECORD_FIELD(struct plan_mount, target, FIELD_STRING, true),
};
static RECORD(mount, struct plan_mount, mount_fields);

static const struct record_field user_fields[] = {
    RECORD_FIELD(struct plan_user, name, FIELD_STRING, false),
    TEXT(struct plan_user, password, false),
    RECORD_FIELD(struct plan_user, acl, FIELD_STRING, false),
    RECORD_NESTED(struct plan_user, pos, pos, false),
};
static RECORD(user, struct plan_user, user_fields);

static const struct record_field topology_fields[] = {
    RECORD_NAMED(struct plan_topology, kind, model_topology_names, false, CALLED("topology")),
    RECORD_FIELD(struct plan_topology, shards, FIELD_INT, false),
    RECORD_FIELD(struct plan_topology, replicas, FIELD_INT, false),
    RECORD_FIELD(struct plan_topology, sentinels, FIELD_INT, false),
    RECORD_FIELD(struct plan_topology, quorum, FIELD_INT, false),
    RECORD_FIELD(struct plan_topology, primary_name, FIELD_STRING, false),
};
static RECORD(topology, struct plan_topology, topology_fields);

static const struct record_field restart_fields[] = {
    RECORD_NAMED(struct plan_restart, when, model_restart_names, false),
    RECORD_FIELD(struct plan_restart, backoff_ms, FIELD_INT64, false),
    RECORD_FIELD(struct plan_restart, max_backoff_ms, FIELD_INT64, false),
    RECORD_FIELD(struct plan_restart, max_retries, FIELD_INT, false),
};
static RECORD(restart, struct plan_restart, restart_fields);

static const struct record_field run_fields[] = {
    RECORD_FIELD(struct plan_run, engine_name, FIELD_STRING, false, CALLED("container")),
    RECORD_FIELD(struct plan_run, image, FIELD_STRING, true),
    RECORD_FIELD(struct plan_run, platform, FIELD_STRING, true),
    RECORD_FIELD(struct plan_run, pull, FIELD_INT, false, .form = &plan_form_pull),
    RECORD_ARRAY(struct plan_run, entrypoint, entrypoint_count, plan_record_word, true,
                 .form = &plan_form_words),
    RECORD_ARRAY(struct plan_run, command, command_count, plan_record_word, true, .form = &plan_form_words),
    RECORD_ARRAY(struct plan_run, environment, environment_count, variable, true,
                 .form = &plan_form_environment),
    RECORD_ARRAY(struct plan_run, ports, port_count, port, true, .form = &plan_form_ports),
    RECORD_ARRAY(struct plan_run, mounts, mount_count, mount, true, .form = &plan_form_mounts),
    RECORD_COUNTED(struct plan_run, tmpfs, tmpfs_count, FIELD_STRINGS, true),
    RECORD_COUNTED(struct plan_run, extra_hosts, extra_host_count, FIELD_STRINGS, true, CALLED("extra_host")),
    RECORD_ARRAY(struct plan_run, labels, label_count, pair, true, .form = &plan_form_labels),
    RECORD_FIELD(struct plan_run, working_dir, FIELD_STRING, true),
    RECORD_FIELD(struct plan_run, user, FIELD_STRING, true),
    RECORD_FIELD(struct plan_run, init, FIELD_BOOL, true),
    RECORD_FIELD(struct plan_run, host_network, FIELD_BOOL, true, .form = &plan_form_network),
    RECORD_FIELD(struct plan_run, on_network, FIELD_BOOL, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_run, alias, FIELD_STRING, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_run, memory, FIELD_INT64, true, .form = &plan_form_size),
    TEXT(struct plan_run, input, true, .form = &plan_form_input),
    RECORD_NAMED(struct plan_run, input_end, input_end_names, true, CALLED("stdin")),
    RECORD_FIELD(struct plan_run, ephemeral, FIELD_BOOL, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_run, persistent, FIELD_BOOL, false, .form = &plan_form_hidden),
    RECORD_FIELD(struct plan_run, task, FIELD_BOOL, true),
    RECORD_COUNTED(struct plan_run, success_codes, success_count, FIELD_INTS, false,
                   CALLED("success_exit_codes")),
    RECORD_FIELD(struct plan_run, stop_signal, FIELD_INT, false, .form = &plan_form_signal),
    RECORD_FIELD(struct plan_run, stop_timeout_ms, FIELD_INT64, false, .form = &plan_form_stop_timeout),
    RECORD_FIELD(struct plan_run, save_command, FIELD_STRING, false, CALLED("before_stop")),
    RECORD_NESTED(struct plan_run, restart, restart, false, .form = &plan_form_restart),
    RECORD_NESTED(struct plan_run, ready, plan_record_probe, false, .form = &plan_form_probe),
    RECORD_COUNTED(struct plan_run, seed, seed_count, FIELD_STRINGS, false),
    RECORD_COUNTED(struct plan_run, watch, watch_count, FIELD_STRINGS, false),
    RECORD_ARRAY(struct plan_run, users, user_count, user, false, .form = &plan_form_users),
    RECORD_FIELD(struct plan_run, replica_of, FIELD_STRING, false, .form = &plan_form_hidden),
    RECORD_NESTED(struct plan_run, topology, topology, false, .form = &plan_form_topology),
    RECORD_FIELD(struct plan_run, mask, FIELD_BOOL, false),
};
RECORD(plan_record_run, struct plan_run, run_fields);

static const struct record_field node_fields[] = {
    RECORD_FIELD(struct plan_node, id, FIELD_STRING, false),
    RECORD_NAMED(struct plan_node, kind, kind_names, true),
    RECORD_FIELD(struct plan_node, resource, FIELD_STRING, false),
    RECORD_FIELD(struct plan_node, name, FIELD_STRING, true),
    RECORD_FIELD(struct plan_node, external, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_node, addressed, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_node, folder, FIELD_STRING, false),
    RECORD_FIELD(struct plan_node, linked, FIELD_STRING, false),
    RECORD_FIELD(struct plan_node, manual, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_node, sidecar, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_node, is_default, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_node, spec_hash, FIELD_STRING, false),
    RECORD_ARRAY(struct plan_node, edges, edge_count, edge, false),
    RECORD_NESTED(struct plan_node, run, plan_record_run, true),
    TEXT(struct plan_node, value, true),
    RECORD_NESTED(struct plan_node, check, plan_record_probe, false),
    RECORD_NESTED(struct plan_node, pos, pos, false),
};
RECORD(plan_record_node, struct plan_node, node_fields);

static const struct record_field resource_fields[] = {
    RECORD_FIELD(struct plan_resource, name, FIELD_STRING, false),
    {.name = "kind",
     .type = FIELD_CUSTOM,
     .offset = RECORD_OFFSET(struct plan_resource, kind, enum model_kind),
     .custom = &kind_by_name},
    RECORD_FIELD(struct plan_resource, node, FIELD_STRING, false),
    TEXT(struct plan_resource, display, false),
    RECORD_ARRAY(struct plan_resource, exports, export_count, variable, false),
    RECORD_FIELD(struct plan_resource, optional, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_resource, manual, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_resource, persistent, FIELD_BOOL, false),
    RECORD_NESTED(struct plan_resource, pos, pos, false),
};
RECORD(plan_record_resource, struct plan_resource, resource_fields);

static const struct record_field secret_fields[] = {
    RECORD_FIELD(struct plan_secret, name, FIELD_STRING, false),
    RECORD_FIELD(struct plan_secret, value, FIELD_STRING, false),
    RECORD_FIELD(struct plan_secret, generated, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_secret, length, FIELD_INT, false),
    RECORD_FIELD(struct plan_secret, special, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_secret, secret, FIELD_BOOL, false),
    RECORD_FIELD(struct plan_secret, issued, FIELD_STRING, false),
};
RECORD(plan_record_secret, struct plan_secret, secret_fields);
