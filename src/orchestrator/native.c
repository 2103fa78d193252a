/* Servers of the native engine: what they leave for sessions to come.
 *
 * A native server is a process node that reads its configuration from standard input. All else about it is
 * the process lifecycle; this file is about the three things in which it is more than a process.
 *
 * It is recorded. A server overwrites its environment with its title, so the session's variable, by which
 * other processes are found after a crash, is gone. Each running one therefore has a record in the state
 * (servers.json): pid and start time, which identify it for good, and how it may be stopped. A sweep of the
 * guard leaves those with something to lose alone (process_options.is_kept); gc, and the start of the next
 * session, stop them by their records, with the time that they need to save.
 *
 * It may outlive its session (`lifetime: persistent`). Such a server appends its output to a file, because
 * pipes would end with us; it is let go instead of killed when the session ends, by whatever way, and passes
 * to init when the guard has gone. The next session adopts it before it looks at the plan: the record brings
 * back pid, ports, specification hash and the digest of the values, and from there the step decides as it
 * does for a container that is found: unchanged, it goes on (and is ready when its PING is answered, with the
 * password that we expect); changed, it is stopped and started anew; no longer wanted, it is stopped.
 *
 * Its volumes are folders. Scratch ones, of servers that keep nothing, are made anew. */
#include "orchestrator/internal.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- records ---- */

static cJSON *record_of(struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    const struct facts *facts = &node->facts;
    pid_t pid = node->o->hooks.pid(node->process);
    cleanup_free char *ports = ports_label(node);
    cleanup_free char *ticks = xasprintf("%" PRIu64, process_start_ticks(pid));

    cJSON *record = cJSON_CreateObject();
    json_add_string(record, "resource", node->resource);
    json_add_string(record, "manifest", node->origin->plan->manifest_file);
    json_add_string(record, "session", node->o->services.session);
    json_add_int(record, "pid", pid);
    json_add_string(record, "startTicks", ticks);
    json_add_bool(record, "persistent", run->persistent);
    json_add_bool(record, "ephemeral", run->ephemeral);
    json_add_int(record, "stopSignal", run->stop_signal);
    json_add_int(record, "stopTimeoutMs", run->stop_timeout_ms);
    json_add_string(record, "specHash", facts->spec_hash);
    json_add_string(record, "digest", facts->digest);
    json_add_string(record, "ports", ports);
    json_add_int(record, "startedMs", facts->started_wall_ns / 1000000);
    json_add_int(record, "outputOffset", -1);
    return record;
}

static void save(struct node *node, const cJSON *record)
{
    cleanup_error struct error err = {0};
    if (state_server_set(node->o->services.state, node->id, record, &err) < 0)
        log_warn("%s", err.text);
}

void native_started(struct node *node)
{
    if (!native_is_server(node))
        return;
    facts_last(node, node->spec->run.persistent, node->spec->run.ephemeral);
    cleanup_json cJSON *record = record_of(node);
    save(node, record);
}

void native_ended(struct node *node)
{
    bool may_be_recorded = node->facts.persistent || native_is_server(node);
    if (may_be_recorded && json_get(state_servers(node->o->services.state), node->id))
        save(node, NULL);
}

/* ---- output and the end of the session ---- */

static char *output_path(const struct node *node)
{
    cleanup_free char *name = xasprintf("servers/%s.log", node->resource);
    return path_join(state_path(node->o->services.state), name);
}

int native_prepare(struct node *node, struct process_options *options, char **path, struct error *err)
{
    if (!native_is_server(node))
        return 0;
    options->is_kept = !node->spec->run.ephemeral || node->spec->run.persistent;
    if (!node->spec->run.persistent)
        return 0;
    *path = output_path(node);
    options->output_path = *path;
    cleanup_free char *folder = path_dirname(*path);
    return file_mkdirs(folder, 0700, err);
}

void native_release(struct node *node)
{
    const cJSON *known = json_get(state_servers(node->o->services.state), node->id);
    cleanup_json cJSON *record = known ? cJSON_Duplicate(known, true) : NULL;
    if (record) {
        cJSON_DeleteItemFromObjectCaseSensitive(record, "outputOffset");
        json_add_int(record, "outputOffset", process_output_offset(node->process));
        save(node, record);
    }
    node->o->hooks.release(node->process);
}

/* ---- adoption ---- */

static void take_facts(struct node *node, const cJSON *record)
{
    struct orchestrator *o = node->o;
    int64_t started_ns = json_int(record, "startedMs", 0) * 1000000;
    facts_make_of(node, json_string(record, "specHash", NULL));
    facts_resolve(node, json_string(record, "digest", NULL));
    facts_label_ports(node, json_string(record, "ports", NULL));
    facts_start(node, node_now(node) - (loop_wall_ns(o->services.loop) - started_ns) / 1000000, started_ns);
    facts_last(node, true, false);
    facts_run(node, true);
    if (!node->resource)
        node->resource = xstrdup_null(json_string(record, "resource", NULL));
    if (!node->name)
        node->name = xstrdup(node_exact_name(node));
}

static bool adopt(struct orchestrator *o, const cJSON *record)
{
    cleanup_error struct error err = {0};
    struct node *node = node_find(o, record->string);
    if (!node)
        node = node_new(o, record->string, PLAN_PROCESS);
    take_facts(node, record);

    cleanup_free char *path = output_path(node);
    struct process_options options = {
        .output_path = path,
        .adopt = {.pid = (pid_t)json_int(record, "pid", 0),
                  .start_ticks = strtoull(json_string(record, "startTicks", "0"), NULL, 10),
                  .output_offset = json_int(record, "outputOffset", -1)},
    };

    node->kind->listen(node, &options);
    output_open(node);
    node->process = o->hooks.adopt(o->services.loop, &options, &err);
    if (node->process) {
        log_info("%s: adopted, pid %" PRId64, node->id, json_int(record, "pid", 0));
        node_wake(node);
        return true;
    }

    log_info("%s: cannot be adopted: %s", node->id, err.text);
    facts_clear(&node->facts);
    return false;
}

void native_survey(struct orchestrator *o)
{
    cleanup_strlist struct strlist gone = {0};
    const cJSON *records = o->natives_known ? NULL : state_servers(o->services.state), *record;
    o->natives_known = true;
    cJSON_ArrayForEach(record, records)
    {
        bool ours = json_bool(record, "persistent", false) && str_starts(record->string, "process:");
        if (!ours || !adopt(o, record))
            strlist_add(&gone, record->string);
    }
    for (size_t i = 0; i < gone.count; i++)
        state_server_set(o->services.state, gone.items[i], NULL, NULL);
}

/* ---- folders ---- */

void native_find_folders(struct orchestrator *o)
{
    cleanup_free char *root = path_join(state_path(o->services.state), "volumes");
    DIR *dir = opendir(root);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        cleanup_free char *path = path_join(root, entry->d_name);
        cleanup_free char *id = xasprintf("volume:%s", path);
        if (node_find(o, id))
            continue;
        struct node *node = node_new(o, id, PLAN_VOLUME);
        node->name = take_ptr(&path);
        facts_see(node, SEEN_PRESENT);
    }
    if (dir)
        closedir(dir);
}

/* A server replaces its files, which takes the link away and leaves the file alone. */
static int link_files(const char *from, const char *to, struct error *err)
{
    DIR *dir = opendir(from);
    int rc = 0;
    for (struct dirent *entry; rc == 0 && dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        cleanup_free char *target = path_join(from, entry->d_name), *path = path_join(to, entry->d_name);
        if (symlink(target, path) < 0)
            rc = error_set(err, ERROR_RESOURCE, "cannot link %s to %s: %s", path, target, strerror(errno));
    }
    if (dir)
        closedir(dir);
    return rc;
}

static bool is_in_use(const struct node *volume)
{
    for (size_t i = 0; i < volume->dependant_count; i++)
        if (volume->dependants[i]->process)
            return true;
    return false;
}

int native_make_folder(struct node *node, struct error *err)
{
    const struct plan_node *spec = node->spec;
    bool anew = native_is_scratch(node) && !is_in_use(node);
    if (anew && file_is_dir(spec->folder) && file_remove_tree(spec->folder, err) < 0)
        return -1;
    if (file_mkdirs(spec->folder, 0700, err) < 0)
        return -1;
    if (!anew || !spec->linked)
        return 0;
    return link_files(spec->linked, spec->folder, err);
}
