/* apphost top: processor and memory of the running resources, processes and containers alike.
 *
 * Both are read from /proc: a resource is the tree below its first process, which for a container of a local
 * engine is a process of this machine too. Two looks, a moment apart, give the share of a processor. */
#include "cli/context.h"
#include "cli/engine_once.h"
#include "cli/view.h"

#include "base/mem.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLE_MS = 250 };

struct usage {
    uint64_t ticks;
    int64_t resident; /* bytes */
    int processes;
};

struct proc {
    pid_t pid, parent;
    uint64_t ticks;
    int64_t resident;
};

struct procs {
    struct proc *items;
    size_t count, capacity;
};

/* The name in /proc/PID/stat may hold anything; the fields come after its last parenthesis. */
static bool read_proc(pid_t pid, struct proc *proc)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    const char *rest = strrchr(text, ')');
    int parent = 0;
    uint64_t user = 0, kernel = 0;
    int64_t pages = 0;
    if (!rest || sscanf(rest,
                        ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                        " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNd64,
                        &parent, &user, &kernel, &pages) != 4)
        return false;
    *proc = (struct proc){
        .pid = pid, .parent = parent, .ticks = user + kernel, .resident = pages * sysconf(_SC_PAGESIZE)};
    return true;
}

static void read_all(struct procs *procs)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    procs->count = 0;
    while (folder && (entry = readdir(folder))) {
        int64_t pid;
        if (procs->count == procs->capacity) {
            procs->capacity = procs->capacity ? procs->capacity * 2 : 256;
            procs->items = xreallocarray(procs->items, procs->capacity, sizeof *procs->items);
        }
        if (str_to_int64(entry->d_name, 1, INT32_MAX, &pid) &&
            read_proc((pid_t)pid, &procs->items[procs->count]))
            procs->count++;
    }
    if (folder)
        closedir(folder);
}

static void add_tree(const struct procs *procs, pid_t root, struct usage *usage, int depth)
{
    for (size_t i = 0; i < procs->count && depth < 32; i++) {
        const struct proc *proc = &procs->items[i];
        if (proc->pid == root) {
            usage->ticks += proc->ticks;
            usage->resident += proc->resident;
            usage->processes++;
        } else if (proc->parent == root) {
            add_tree(procs, proc->pid, usage, depth + 1);
        }
    }
}

/* Adds "pid" to resources that are containers. */
static void find_container_pids(struct context *context, cJSON *view)
{
    struct engine_once once;
    struct engine_address address = {0};
    cJSON *resource;
    const cJSON *recorded = context->client.session.engine;
    if (!recorded || engine_address_from_json(recorded, &address, NULL) ||
        engine_once_open(&once, &address, context->environment, NULL)) {
        engine_address_free(&address);
        return;
    }
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        const char *id = json_string(resource, "containerId", "");
        if (!*id || json_int(resource, "pid", 0))
            continue;
        engine_container_inspect(once.engine, id, engine_once_done, &once);
        if (!engine_once_wait(&once, NULL))
            json_add_int(resource, "pid", json_int(json_get(once.json, "State"), "Pid", 0));
    }
    engine_once_close(&once);
    engine_address_free(&address);
}

static void measure(const cJSON *view, struct usage *usages)
{
    struct procs procs = {0};
    const cJSON *resource;
    size_t i = 0;
    read_all(&procs);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        pid_t pid = (pid_t)json_int(resource, "pid", 0);
        usages[i] = (struct usage){0};
        if (pid > 0)
            add_tree(&procs, pid, &usages[i], 0);
        i++;
    }
    free(procs.items);
}

static void print(const struct context *context, const cJSON *view, const struct usage *before,
                  const struct usage *after)
{
    struct table table = {.columns = 5};
    const char *const head[] = {"NAME", "STATE", "CPU", "MEMORY", "PROCESSES"};
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "resources");
    const cJSON *resource;
    size_t i = 0;
    table_row(&table, head);
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        const struct usage *now = &after[i];
        uint64_t ticks = now->ticks > before[i].ticks ? now->ticks - before[i].ticks : 0;
        double share = (double)ticks / (double)sysconf(_SC_CLK_TCK) * 1000 / SAMPLE_MS * 100;
        char cpu[24], memory[24], count[24];
        snprintf(cpu, sizeof cpu, "%.1f%%", share);
        output_bytes(now->resident, memory);
        snprintf(count, sizeof count, "%d", now->processes);
        const char *const cells[] = {json_string(resource, "name", ""), json_string(resource, "state", ""),
                                     now->processes ? cpu : "", now->processes ? memory : "", count};
        table_row(&table, cells);
        cJSON *object = cJSON_CreateObject();
        json_add_string(object, "name", cells[0]);
        json_add_string(object, "state", cells[1]);
        cJSON_AddNumberToObject(object, "cpuPercent", share);
        json_add_int(object, "memoryBytes", now->resident);
        json_add_int(object, "processes", now->processes);
        cJSON_AddItemToArray(list, object);
        i++;
    }
    if (context->output.json)
        output_json(document);
    else
        table_print(&table, stdout, context->output.colour_out);
    table_free(&table);
}

static int run(struct context *context, struct error *err)
{
    cleanup_json cJSON *view = NULL;
    if (client_call(&context->client, "view", NULL, 0, &view, err) ||
        view_check_names(view, &context->args.names, err))
        return -1;
    view_keep_named(view, &context->args.names);
    cJSON *resources = json_get(view, "resources");
    find_container_pids(context, view);
    size_t count = (size_t)json_count(resources) + 1;
    cleanup_free struct usage *before = xcalloc(count, sizeof *before);
    cleanup_free struct usage *after = xcalloc(count, sizeof *after);
    struct timespec pause = {.tv_nsec = SAMPLE_MS * 1000000L};
    measure(view, before);
    nanosleep(&pause, NULL);
    measure(view, after);
    print(context, view, before, after);
    return 0;
}

const struct command cmd_top = {
    .name = "top",
    .alias = "stats",
    .summary = "processor and memory of the resources",
    .usage = "[RES…]",
    .description = "Prints what the running resources use: share of a processor over a moment, resident "
                   "memory, number of "
                   "processes. Containers of a remote engine have no figures.",
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = ARGUMENT_RESOURCE,
    .most = -1,
    .run = run,
};
