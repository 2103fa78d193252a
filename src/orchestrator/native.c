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

static struct state_server record_of(struct node *node, const char *ports)
{
    const struct plan_run *run = &node->spec->run;
    const struct facts *facts = &node->facts;
    pid_t pid = node->o->hooks.pid(node->process);

    return (struct state_server){
        .node = node->id,
        .resource = node->resource,
        .manifest = node->origin->plan->manifest_file,
        .session = node->o->services.session,
        .pid = pid,
        .start_ticks = process_start_ticks(pid),
        .is_persistent = run->persistent,
        .is_ephemeral = run->ephemeral,
        .stop_signal = run->stop_signal,
        .stop_timeout_ms = run->stop_timeout_ms,
        .spec_hash = facts->spec_hash,
        .digest = facts->digest,
        .ports = ports,
        .started_ms = facts->started_wall_ns / 1000000,
        .output_offset = -1,
    };
}

static void save(struct node *node, const struct state_server *server)
{
    cleanup_error struct error err = {0};
    if (state_server_set(node->o->services.state, server, &err) < 0)
        log_warn("%s", err.text);
}

static void forget(struct node *node)
{
    cleanup_error struct error err = {0};
    if (state_server_forget(node->o->services.state, node->id, &err) < 0)
        log_warn("%s", err.text);
}

void native_started(struct node *node)
{
    if (!native_is_server(node))
        return;
    facts_last(node, node->spec->run.persistent, node->spec->run.ephemeral);
    cleanup_free char *ports = ports_label(node);
    const struct state_server server = record_of(node, ports);
    save(node, &server);
}

void native_ended(struct node *node)
{
    bool may_be_recorded = node->facts.persistent || native_is_server(node);
    if (may_be_recorded && state_server_is_known(node->o->services.state, node->id))
        forget(node);
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
    options->is_tool = true;
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
    struct arena arena = {0};
    struct state_server server;
    if (state_server_get(node->o->services.state, node->id, &arena, &server)) {
        server.output_offset = process_output_offset(node->process);
        save(node, &server);
    }
    arena_free(&arena);
    node->o->hooks.release(node->process);
}

/* ---- adoption ---- */

static void take_facts(struct node *node, const struct state_server *server)
{
    struct orchestrator *o = node->o;
    int64_t started_ns = server->started_ms * 1000000;
    facts_make_of(node, server->spec_hash);
    facts_resolve(node, server->digest);
    facts_label_ports(node, server->ports);
    facts_start(node, node_now(node) - (loop_wall_ns(o->services.loop) - started_ns) / 1000000, started_ns);
    facts_last(node, true, false);
    facts_run(node, true);
    if (!node->resource)
        node->resource = xstrdup_null(server->resource);
    if (!node->name)
        node->name = xstrdup(node_exact_name(node));
}

static bool adopt(struct orchestrator *o, const struct state_server *server)
{
    cleanup_error struct error err = {0};
    struct node *node = node_find(o, server->node);
    if (!node)
        node = node_new(o, server->node, PLAN_PROCESS);
    take_facts(node, server);

    cleanup_free char *path = output_path(node);
    struct process_options options = {
        .output_path = path,
        .adopt = {.pid = (pid_t)server->pid,
                  .start_ticks = server->start_ticks,
                  .output_offset = server->output_offset},
    };

    node->kind->listen(node, &options);
    output_open(node);
    node->process = o->hooks.adopt(o->services.loop, &options, &err);
    if (node->process) {
        log_info("%s: adopted, pid %" PRId64, node->id, server->pid);
        node_wake(node);
        return true;
    }

    log_info("%s: cannot be adopted: %s", node->id, err.text);
    facts_clear(&node->facts);
    return false;
}

void native_survey(struct orchestrator *o)
{
    cleanup_servers struct state_servers servers = {0};
    if (!o->natives_known)
        state_servers(o->services.state, &servers);
    o->natives_known = true;
    for (size_t i = 0; i < servers.count; i++) {
        const struct state_server *server = &servers.items[i];
        bool ours = server->is_persistent && str_starts(server->node, "process:");
        if (!ours || !adopt(o, server))
            state_server_forget(o->services.state, server->node, NULL);
    }
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
