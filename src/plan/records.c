/* The field tables of the plan's records: one row a field drives JSON in both directions, the specification
 * hash and
 * --explain. The last column says whether a field is part of the specification: what an object is made of,
 * not how it is watched or stopped, and never network membership. */
#include "plan/internal.h"

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIELD(type, member, kind, spec)                                                                      \
    {                                                                                                        \
#member, kind, offsetof(type, member), 0, NULL, NULL, 0, spec                                        \
    }
#define COUNTED(type, member, counter, kind, spec)                                                           \
    {                                                                                                        \
#member, kind, offsetof(type, member), offsetof(type, counter), NULL, NULL, 0, spec                  \
    }
#define ARRAY(type, member, counter, record, spec)                                                           \
    {                                                                                                        \
#member, FIELD_ARRAY, offsetof(type, member), offsetof(type, counter), record, NULL, 0, spec         \
    }
#define NESTED(type, member, record, spec)                                                                   \
    {                                                                                                        \
#member, FIELD_STRUCT, offsetof(type, member), 0, record, NULL, 0, spec                              \
    }
#define NAMED(type, member, list, spec)                                                                      \
    {                                                                                                        \
#member, FIELD_NAME, offsetof(type, member), 0, NULL, list, (int)COUNT(list), spec                   \
    }
#define RECORD(name, type)                                                                                   \
    static const struct record name = {name##_fields, COUNT(name##_fields), sizeof(type)}

static const char *const kind_names[] = {"image", "network", "volume", "container", "process", "value"};
static const char *const until_names[] = {"started", "healthy", "completed", "gone"};
static const char *const probe_names[] = {"none", "ping", "http", "tcp", "log", "exec", "image-health"};
static const char *const input_end_names[] = {"default", "open", "closed"};
static const char *const restart_names[] = {"never", "on-failure", "always"};
static const char *const model_names[] = {"redis",   "valkey",   "garnet", "connection-string",
                                          "process", "container"};

const char *plan_node_kind_name(enum plan_node_kind kind)
{
    return kind < PLAN_NODE_KIND_COUNT ? kind_names[kind] : "unknown";
}

const char *plan_until_name(enum plan_until until)
{
    return (size_t)until < COUNT(until_names) ? until_names[until] : "unknown";
}

static const struct field pos_fields[] = {
    FIELD(struct model_pos, file, FIELD_STRING, false),
    FIELD(struct model_pos, line, FIELD_INT, false),
    FIELD(struct model_pos, column, FIELD_INT, false),
};
RECORD(pos, struct model_pos);

static const struct field variable_fields[] = {
    FIELD(struct plan_variable, name, FIELD_STRING, true),
    FIELD(struct plan_variable, value, FIELD_TEXT, true),
};
RECORD(variable, struct plan_variable);

static const struct field word_fields[] = {
    {"text", FIELD_TEXT, 0, 0, NULL, NULL, 0, true},
};
RECORD(word, struct plan_text);

static const struct field pair_fields[] = {
    FIELD(struct model_pair, name, FIELD_STRING, true),
    FIELD(struct model_pair, value, FIELD_STRING, true),
};
RECORD(pair, struct model_pair);

static const struct field edge_fields[] = {
    FIELD(struct plan_edge, to, FIELD_STRING, false),
    NAMED(struct plan_edge, until, until_names, false),
    FIELD(struct plan_edge, required, FIELD_BOOL, false),
    FIELD(struct plan_edge, explicit_wait, FIELD_BOOL, false),
};
RECORD(edge, struct plan_edge);

static const struct field probe_fields[] = {
    NAMED(struct plan_probe, kind, probe_names, false),
    FIELD(struct plan_probe, endpoint, FIELD_STRING, false),
    FIELD(struct plan_probe, http_path, FIELD_STRING, false),
    FIELD(struct plan_probe, http_status, FIELD_INT, false),
    FIELD(struct plan_probe, log_pattern, FIELD_STRING, false),
    FIELD(struct plan_probe, exec, FIELD_ARGV, false),
    FIELD(struct plan_probe, password, FIELD_TEXT, false),
    FIELD(struct plan_probe, tls, FIELD_BOOL, false),
    FIELD(struct plan_probe, ca_file, FIELD_STRING, false),
    FIELD(struct plan_probe, tls_name, FIELD_STRING, false),
    FIELD(struct plan_probe, interval_ms, FIELD_INT64, false),
    FIELD(struct plan_probe, timeout_ms, FIELD_INT64, false),
};
RECORD(probe, struct plan_probe);

static const struct field port_fields[] = {
    FIELD(struct plan_port, endpoint, FIELD_STRING, true),
    FIELD(struct plan_port, scheme, FIELD_STRING, false),
    FIELD(struct plan_port, target_port, FIELD_INT, true),
    FIELD(struct plan_port, fixed_port, FIELD_INT, true),
    FIELD(struct plan_port, preferred_port, FIELD_INT, false),
    FIELD(struct plan_port, bind_address, FIELD_STRING, true),
    FIELD(struct plan_port, host, FIELD_STRING, false),
    NESTED(struct plan_port, pos, &pos, false),
};
RECORD(port, struct plan_port);

static const struct field mount_fields[] = {
    FIELD(struct plan_mount, is_volume, FIELD_BOOL, true),
    FIELD(struct plan_mount, read_only, FIELD_BOOL, true),
    FIELD(struct plan_mount, external, FIELD_BOOL, false),
    FIELD(struct plan_mount, source, FIELD_STRING, true),
    FIELD(struct plan_mount, target, FIELD_STRING, true),
};
RECORD(mount, struct plan_mount);

static const struct field restart_fields[] = {
    NAMED(struct plan_restart, when, restart_names, false),
    FIELD(struct plan_restart, backoff_ms, FIELD_INT64, false),
    FIELD(struct plan_restart, max_backoff_ms, FIELD_INT64, false),
    FIELD(struct plan_restart, max_retries, FIELD_INT, false),
};
RECORD(restart, struct plan_restart);

static const struct field run_fields[] = {
    FIELD(struct plan_run, engine_name, FIELD_STRING, false),
    FIELD(struct plan_run, image, FIELD_STRING, true),
    FIELD(struct plan_run, platform, FIELD_STRING, true),
    FIELD(struct plan_run, pull, FIELD_INT, false),
    ARRAY(struct plan_run, entrypoint, entrypoint_count, &word, true),
    ARRAY(struct plan_run, command, command_count, &word, true),
    ARRAY(struct plan_run, environment, environment_count, &variable, true),
    ARRAY(struct plan_run, ports, port_count, &port, true),
    ARRAY(struct plan_run, mounts, mount_count, &mount, true),
    COUNTED(struct plan_run, tmpfs, tmpfs_count, FIELD_STRINGS, true),
    COUNTED(struct plan_run, extra_hosts, extra_host_count, FIELD_STRINGS, true),
    ARRAY(struct plan_run, labels, label_count, &pair, true),
    FIELD(struct plan_run, working_dir, FIELD_STRING, true),
    FIELD(struct plan_run, user, FIELD_STRING, true),
    FIELD(struct plan_run, init, FIELD_BOOL, true),
    FIELD(struct plan_run, host_network, FIELD_BOOL, true),
    FIELD(struct plan_run, on_network, FIELD_BOOL, false),
    FIELD(struct plan_run, alias, FIELD_STRING, false),
    FIELD(struct plan_run, memory, FIELD_INT64, true),
    FIELD(struct plan_run, input, FIELD_TEXT, true),
    NAMED(struct plan_run, input_end, input_end_names, true),
    FIELD(struct plan_run, ephemeral, FIELD_BOOL, false),
    FIELD(struct plan_run, persistent, FIELD_BOOL, false),
    FIELD(struct plan_run, task, FIELD_BOOL, true),
    COUNTED(struct plan_run, success_codes, success_count, FIELD_INTS, false),
    FIELD(struct plan_run, stop_signal, FIELD_INT, false),
    FIELD(struct plan_run, stop_timeout_ms, FIELD_INT64, false),
    NESTED(struct plan_run, restart, &restart, false),
    NESTED(struct plan_run, ready, &probe, false),
    COUNTED(struct plan_run, seed, seed_count, FIELD_STRINGS, false),
    COUNTED(struct plan_run, watch, watch_count, FIELD_STRINGS, false),
    FIELD(struct plan_run, replica_of, FIELD_STRING, false),
};
const struct record plan_record_run = {run_fields, COUNT(run_fields), sizeof(struct plan_run)};

static const struct field node_fields[] = {
    FIELD(struct plan_node, id, FIELD_STRING, false),
    NAMED(struct plan_node, kind, kind_names, true),
    FIELD(struct plan_node, resource, FIELD_STRING, false),
    FIELD(struct plan_node, name, FIELD_STRING, true),
    FIELD(struct plan_node, external, FIELD_BOOL, false),
    FIELD(struct plan_node, folder, FIELD_STRING, false),
    FIELD(struct plan_node, linked, FIELD_STRING, false),
    FIELD(struct plan_node, manual, FIELD_BOOL, false),
    FIELD(struct plan_node, sidecar, FIELD_BOOL, false),
    FIELD(struct plan_node, is_default, FIELD_BOOL, false),
    FIELD(struct plan_node, spec_hash, FIELD_STRING, false),
    ARRAY(struct plan_node, edges, edge_count, &edge, false),
    NESTED(struct plan_node, run, &plan_record_run, true),
    FIELD(struct plan_node, value, FIELD_TEXT, true),
    NESTED(struct plan_node, check, &probe, false),
    NESTED(struct plan_node, pos, &pos, false),
};
const struct record plan_record_node = {node_fields, COUNT(node_fields), sizeof(struct plan_node)};

static const struct field resource_fields[] = {
    FIELD(struct plan_resource, name, FIELD_STRING, false),
    NAMED(struct plan_resource, kind, model_names, false),
    FIELD(struct plan_resource, node, FIELD_STRING, false),
    FIELD(struct plan_resource, display, FIELD_TEXT, false),
    ARRAY(struct plan_resource, exports, export_count, &variable, false),
    FIELD(struct plan_resource, optional, FIELD_BOOL, false),
    FIELD(struct plan_resource, manual, FIELD_BOOL, false),
    FIELD(struct plan_resource, persistent, FIELD_BOOL, false),
    NESTED(struct plan_resource, pos, &pos, false),
};
const struct record plan_record_resource = {resource_fields, COUNT(resource_fields),
                                            sizeof(struct plan_resource)};

static const struct field secret_fields[] = {
    FIELD(struct plan_secret, name, FIELD_STRING, false),
    FIELD(struct plan_secret, value, FIELD_STRING, false),
    FIELD(struct plan_secret, generated, FIELD_BOOL, false),
    FIELD(struct plan_secret, length, FIELD_INT, false),
    FIELD(struct plan_secret, special, FIELD_BOOL, false),
    FIELD(struct plan_secret, secret, FIELD_BOOL, false),
};
const struct record plan_record_secret = {secret_fields, COUNT(secret_fields), sizeof(struct plan_secret)};
