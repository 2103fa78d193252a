/* apphost top: processor and memory of the running resources, processes and containers alike.
 *
 * Both are read from /proc: a resource is the tree below its first process, which for a container of a local
 * engine is a process of this machine too. Two looks give the share of a processor: a moment apart for the
 * first table, from then on the time between two tables. On a terminal q leaves, so keys are read one by one;
 * whichever way it ends, terminal.c puts the settings back. */
#include "session/context.h"
#include "engine/once.h"
#include "ui/terminal.h"
#include "ui/view.h"

#include "machine/processes.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 250, INTERVAL_MS = 2000, LEAST_MS = 100 };

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
    size_t length = 0;
    if (file)
        length = fread(text, 1, sizeof text - 1, file);
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

static bool add_process(pid_t pid, void *data)
{
    struct procs *procs = data;
    if (procs->count == procs->capacity) {
        procs->capacity = grown(procs->capacity, 256);
        procs->items = xreallocarray(procs->items, procs->capacity, sizeof *procs->items);
    }
    if (read_proc(pid, &procs->items[procs->count]))
        procs->count++;
    return false;
}

static void read_all(struct procs *procs)
{
    procs->count = 0;
    machine_each_process(add_process, procs);
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
static void find_container_pids(struct context *context, struct view *view)
{
    struct engine_once once;
    struct engine_address address = {0};
    const cJSON *recorded = context->client.session.engine;
    if (!recorded || engine_address_from_json(recorded, &address, NULL) ||
        engine_once_open(&once, &address, context->environment, NULL)) {
        engine_address_free(&address);
        return;
    }

    for (size_t i = 0; i < view->resource_count; i++) {
        struct view_resource *resource = &view->resources[i];
        if (!*text_or_empty(resource->container_id) || resource->pid)
            continue;
        engine_container_inspect(once.engine, resource->container_id, engine_once_done, &once);
        if (!engine_once_wait(&once, NULL))
            resource->pid = json_int(json_get(once.json, "State"), "Pid", 0);
    }
    engine_once_close(&once);
    engine_address_free(&address);
}

/* One look at all resources of the supervisor's view. */
struct sample {
    struct view *view;
    struct usage *usages; /* one each, in the view's order */
    int64_t at_ms;
};

static const struct option options[] = {
    {.name = "follow",
     .letter = 'f',
     .type = OPTION_FLAG,
     .help = "again and again; on a terminal by itself"},
    {.name = "no-stream", .type = OPTION_FLAG, .help = "once, also on a terminal"},
    {.name = "interval",
     .type = OPTION_DURATION,
     .value = "TIME",
     .help = "the time between two tables (default 2s)"},
    {.name = NULL},
};

static void sample_free(struct sample *sample)
{
    view_free(sample->view);
    free(sample->usages);
    *sample = (struct sample){0};
}

static void measure(struct sample *sample)
{
    struct procs procs = {0};
    const struct view *view = sample->view;
    read_all(&procs);
    sample->at_ms = loop_clock_ms();
    free(sample->usages);
    sample->usages = xcalloc(view->resource_count + 1, sizeof *sample->usages);
    for (size_t i = 0; i < view->resource_count; i++)
        if (view->resources[i].pid > 0)
            add_tree(&procs, (pid_t)view->resources[i].pid, &sample->usages[i], 0);
    free(procs.items);
}

/* What the resource had used when it was looked at before; NULL: it was not there, or is another process now.
 */
static const struct usage *usage_before(const struct sample *before, const struct view_resource *resource)
{
    for (size_t i = 0; before->view && i < before->view->resource_count; i++) {
        const struct view_resource *other = &before->view->resources[i];
        if (str_eq(other->name, resource->name)) {
            if (other->pid == resource->pid)
                return &before->usages[i];
            return NULL;
        }
    }
    return NULL;
}

static double share_of(const struct usage *now, const struct usage *before, int64_t ms)
{
    if (!before || now->ticks < before->ticks || ms <= 0)
        return 0;
    return (double)(now->ticks - before->ticks) / (double)sysconf(_SC_CLK_TCK) * 1000 / (double)ms * 100;
}

static cJSON *to_json(const char *name, const char *state, const struct usage *now, double share)
{
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, "name", name);
    json_add_string(object, "state", state);
    cJSON_AddNumberToObject(object, "cpuPercent", share);
    json_add_int(object, "memoryBytes", now->resident);
    json_add_int(object, "processes", now->processes);
    return object;
}

static void print(const struct context *context, const struct sample *before, const struct sample *after)
{
    struct table table = {.columns = 5};
    const char *const head[] = {"NAME", "STATE", "CPU", "MEMORY", "PROCESSES"};
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "resources");

    table_row(&table, head);

    for (size_t i = 0; i < after->view->resource_count; i++) {
        const struct view_resource *resource = &after->view->resources[i];
        const struct usage *now = &after->usages[i];
        double share = share_of(now, usage_before(before, resource), after->at_ms - before->at_ms);
        const char *name = text_or_empty(resource->name), *state = view_state_name(resource->state);
        char cpu[24], memory[24], count[24];
        snprintf(cpu, sizeof cpu, "%.1f%%", share);
        str_bytes(now->resident, memory);
        snprintf(count, sizeof count, "%d", now->processes);
        const char *const cells[] = {name, state, text_if(now->processes, cpu),
                                     text_if(now->processes, memory), count};
        table_row(&table, cells);
        cJSON_AddItemToArray(list, to_json(name, state, now, share));
    }

    if (context->output.json)
        output_json(document);
    else
        table_print(&table, stdout, context->output.colour_out);
    table_free(&table);
}

static int look(struct context *context, struct sample *sample, struct error *err)
{
    sample_free(sample);
    if (client_view(&context->client, ANSWER_LIMIT, &sample->view, err) ||
        view_check_names(sample->view, &context->args.names, err))
        return -1;
    view_keep_named(sample->view, &context->args.names);
    find_container_pids(context, sample->view);
    measure(sample);
    return 0;
}

static void pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* The supervisor ends with the project: an end like another. */
static int end_of_project(struct context *context, struct error *err)
{
    if (err->code != ERROR_OWNER && err->code != ERROR_NOT_RUNNING)
        return -1;
    error_clear(err);
    output_note(&context->output, "nothing is running any more");
    return 0;
}

/* Sleeps until the time is over; true: the user wants to leave. */
static bool is_left(int64_t ms, bool listens)
{
    int64_t end = loop_clock_ms() + ms;
    if (!listens)
        pause_ms(ms);
    for (int64_t left = ms; listens && left > 0; left = end - loop_clock_ms()) {
        int key = terminal_key(left);
        if (key && strchr("qQ\004", key))
            return true;
    }
    return false;
}

/* Table after table, until q or Ctrl-C, or until nothing is running any more. */
static int follow(struct context *context, struct sample *before, struct sample *after, struct error *err)
{
    int64_t interval = args_duration_ms(&context->args, "interval", INTERVAL_MS);
    bool redraws = isatty(STDOUT_FILENO) && !context->output.json;
    bool listens = terminal_listen();

    for (bool first = true;; first = false) {
        if (interval < LEAST_MS)
            interval = LEAST_MS;
        if (is_left(first ? FIRST_MS : interval, listens))
            return 0;
        if (look(context, after, err))
            return end_of_project(context, err);
        if (redraws)
            fputs("\033[H\033[J", stdout); /* home, and clear what is below */
        print(context, before, after);
        if (!output_flush())
            return 0;
        struct sample swapped = *before;
        *before = *after;
        *after = swapped;
    }
}

static int once(struct context *context, struct sample *before)
{
    struct sample after = {.view = before->view};
    pause_ms(FIRST_MS);
    measure(&after);
    print(context, before, &after);
    free(after.usages);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    struct sample before = {0}, after = {0};
    const struct args *args = &context->args;
    bool streams = args_flag(args, "follow") || (isatty(STDOUT_FILENO) && !context->output.json);
    int rc = look(context, &before, err);
    if (!rc) {
        if (streams && !args_flag(args, "no-stream"))
            rc = follow(context, &before, &after, err);
        else
            rc = once(context, &before);
    }
    sample_free(&before);
    sample_free(&after);
    return rc;
}

const struct command cmd_top = {
    .name = "top",
    .alias = "stats",
    .summary = "processor and memory of the resources",
    .usage = "[RES…]",
    .description =
        "Shows what the running resources use: share of a processor, resident memory, number of "
        "processes. On a terminal the table is kept up to date until q or Ctrl-C; elsewhere it is printed "
        "once. Containers of a remote engine have no figures.",
    .examples = "apphost top\n"
                "apphost top --no-stream api\n"
                "apphost top -o json | jq '.resources[].memoryBytes'\n",
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .options = options,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
