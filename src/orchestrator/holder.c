/* Who holds a port? For the text of a conflict only: nothing is decided by it.
 *
 * First the engine is asked which container publishes the port; else /proc tells: the listening socket's
 * inode from /proc/net/tcp and tcp6, and the process that has it open. Processes of other users cannot be
 * looked into; then the text says only that the port is taken. Source of the formats: proc(5). */
#include "orchestrator/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0A };

static unsigned long inode_in(const char *path, int port)
{
    FILE *file = fopen(path, "re");
    char line[512];
    unsigned long found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned local_port = 0, state = 0;
        unsigned long inode = 0;
        int fields = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
                            &local_port, &state, &inode);
        if (fields == 3 && (int)local_port == port && state == STATE_LISTEN)
            found = inode;
    }
    if (file)
        fclose(file);
    return found;
}

static bool has_socket(const char *pid, unsigned long inode)
{
    char path[PATH_MAX], want[64], link[64];
    snprintf(want, sizeof want, "socket:[%lu]", inode);
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
        ssize_t length = readlink(path, link, sizeof link - 1);
        link[length > 0 ? length : 0] = '\0';
        found = !strcmp(link, want);
    }
    if (folder)
        closedir(folder);
    return found;
}

static char *name_of(const char *pid)
{
    char path[PATH_MAX], name[64] = "";
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = '\0';
    if (file)
        fclose(file);
    return xasprintf("%s (pid %s)", *name ? name : "a process", pid);
}

char *holder_of_port(int port)
{
    unsigned long inode = inode_in("/proc/net/tcp", port);
    if (!inode)
        inode = inode_in("/proc/net/tcp6", port);
    DIR *folder = inode ? opendir("/proc") : NULL;
    char *found = NULL;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        if (isdigit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, inode))
            found = name_of(entry->d_name);
    }
    if (folder)
        closedir(folder);
    return found;
}

/* ---- failing with it ---- */

static const struct plan_port *taken_port(const struct node *node, int *port)
{
    for (size_t i = 0; i < node->spec->run.port_count; i++) {
        const struct plan_port *candidate = &node->spec->run.ports[i];
        const char *address = candidate->bind_address ? candidate->bind_address : "127.0.0.1";
        if (candidate->fixed_port && !node->o->hooks.port_is_free(address, candidate->fixed_port)) {
            *port = candidate->fixed_port;
            return candidate;
        }
    }
    *port = node->port_count ? node->ports[0].host_port : 0;
    return node->spec->run.port_count ? &node->spec->run.ports[0] : NULL;
}

static void fail(struct node *node, const char *holder)
{
    int port = 0;
    const struct plan_port *taken = taken_port(node, &port);
    const char *address = taken && taken->bind_address ? taken->bind_address : "127.0.0.1";
    int free_port = port + 1;
    while (free_port < 65535 && !node->o->hooks.port_is_free(address, free_port))
        free_port++;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_PORT, "%s cannot listen on %s:%d: the port is taken%s%s",
              node->resource ? node->resource : node->id, address, port, holder ? " by " : "",
              holder ? holder : "");
    error_hint(&err, "free it, or use another one; %d is free", free_port);
    if (taken && taken->pos.file)
        error_at(&err, taken->pos.file, taken->pos.line, taken->pos.column);
    node_fail(node, &err);
}

static void on_containers(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    int port = 0;
    if (node->spec)
        taken_port(node, &port);
    char *holder = NULL;
    for (int i = 0; !err && i < result->container_count && !holder; i++) {
        const struct engine_container *container = &result->containers[i];
        for (int p = 0; p < container->port_count && !holder; p++) {
            if (container->running && container->ports[p].host_port == port)
                holder = xasprintf("container %s", container->name);
        }
    }
    if (!holder)
        holder = holder_of_port(port);
    if (node->spec)
        fail(node, holder);
    free(holder);
}

void holder_fail(struct node *node)
{
    struct orchestrator *o = node->o;
    static const char *const all[] = {NULL};
    if (engine_is_listed(o)) {
        node_op_begin(node, "look", engine_container_list(o->services.engine, all, on_containers, node));
        return;
    }
    int port = 0;
    taken_port(node, &port);
    cleanup_free char *holder = holder_of_port(port);
    fail(node, holder);
}
