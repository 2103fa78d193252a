/* apphost top: processor, memory and disks of the running resources, processes and containers alike.
 *
 * The supervisor looks (control/usage.h): a resource is the tree below its first process, which for a
 * container of a local engine is a process of this machine too. Two looks give the share of a processor: a
 * moment apart for the first table, from then on the time between two tables. On a terminal q leaves, so keys
 * are read one by one; whichever way it ends, terminal.c puts the settings back. */
#include "session/context.h"
#include "control/usage.h"
#include "ui/terminal.h"
#include "ui/view.h"

#include "usage/usage.h"

#include "base/ignore.h"
#include "base/mem.h"
#include "base/pause.h"
#include "base/pick.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_MS = 250, INTERVAL_MS = 2000, LEAST_MS = 100 };

/* One look at all resources: the supervisor's view, and what it says that they use. */
struct sample {
    struct view *view;
    struct view_usages *usages;
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
    view_usages_free(sample->usages);
    *sample = (struct sample){0};
}

/* NULL: it uses nothing that could be seen. */
static const struct view_usage *usage_of(const struct sample *sample, const struct view_resource *resource)
{
    const struct view_usages *usages = sample->usages;
    for (size_t i = 0; usages && i < usages->resource_count; i++)
        if (str_eq(usages->resources[i].node, resource->node))
            return &usages->resources[i];
    return NULL;
}

/* Nothing when the resource was not there at the look before, or is another process now. */
static double share_of(const struct sample *before, const struct sample *after,
                       const struct view_resource *resource)
{
    const struct view_usage *then = usage_of(before, resource), *now = usage_of(after, resource);
    if (!then || !now || then->pid != now->pid)
        return 0;
    return usage_share(then->cpu_us, now->cpu_us, after->usages->clock_ms - before->usages->clock_ms);
}

static cJSON *to_json(const struct view_resource *resource, const struct view_usage *now, double share)
{
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, "name", text_or_empty(resource->name));
    json_add_string(object, "state", view_state_name(resource->state));
    cJSON_AddNumberToObject(object, "cpuPercent", share);
    json_add_int(object, "memoryBytes", now->memory_bytes);
    json_add_int(object, "processes", now->processes);
    if (now->read_bytes.is_known)
        json_add_int(object, "readBytes", now->read_bytes.value);
    if (now->written_bytes.is_known)
        json_add_int(object, "writtenBytes", now->written_bytes.value);
    return object;
}

/* "", when that is not known. */
static void bytes_text(struct record_maybe bytes, char text[24])
{
    *text = '\0';
    if (bytes.is_known)
        str_bytes(bytes.value, text);
}

static void add_row(struct text_table *table, const struct view_resource *resource,
                    const struct view_usage *now, double share)
{
    char cpu[24], memory[24], count[24], read[24], written[24];
    snprintf(cpu, sizeof cpu, "%.1f%%", share);
    str_bytes(now->memory_bytes, memory);
    snprintf(count, sizeof count, "%" PRId64, now->processes);
    bytes_text(now->read_bytes, read);
    bytes_text(now->written_bytes, written);
    const char *const cells[] = {text_or_empty(resource->name),
                                 view_state_name(resource->state),
                                 text_if(now->processes, cpu),
                                 text_if(now->processes, memory),
                                 count,
                                 read,
                                 written};
    table_row(table, cells);
}

static void print(const struct context *context, const struct sample *before, const struct sample *after)
{
    static const struct view_usage nothing;
    struct text_table table = {.columns = 7};
    const char *const head[] = {"NAME", "STATE", "CPU", "MEMORY", "PROCESSES", "READ", "WRITTEN"};
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "resources");

    table_row(&table, head);
    for (size_t i = 0; i < after->view->resource_count; i++) {
        const struct view_resource *resource = &after->view->resources[i];
        const struct view_usage *now = usage_of(after, resource);
        double share = share_of(before, after, resource);
        if (!now)
            now = &nothing;
        add_row(&table, resource, now, share);
        cJSON_AddItemToArray(list, to_json(resource, now, share));
    }

    if (context->output.json)
        output_json(document);
    else
        table_print(&table, stdout, context->output.colour_out);
    table_free(&table);
}

static int ask_usage(struct client *client, struct sample *sample, struct error *err)
{
    cJSON *json = NULL;
    if (client_call(client, ASK_USAGE, NULL, ANSWER_LIMIT, &json, err)) {
        cJSON_Delete(json);
        return -1;
    }
    sample->usages = view_usages_read(json, err);
    if (sample->usages)
        return 0;
    return -1;
}

static int look(struct context *context, struct sample *sample, struct error *err)
{
    sample_free(sample);
    if (client_view(&context->client, ANSWER_LIMIT, &sample->view, err) ||
        view_check_names(sample->view, &context->args.names, err) || ask_usage(&context->client, sample, err))
        return -1;
    view_keep_named(sample->view, &context->args.names);
    return 0;
}

static int end_of_project(struct context *context, struct error *err)
{
    if (err->code != ERROR_OWNER && err->code != ERROR_NOT_RUNNING)
        return -1;
    error_ignore(err, "the supervisor ends with the project: an end like another");
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

static int once(struct context *context, struct sample *before, struct sample *after, struct error *err)
{
    pause_ms(FIRST_MS);
    if (look(context, after, err))
        return end_of_project(context, err);
    print(context, before, after);
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
            rc = once(context, &before, &after, err);
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
    .description = "Shows what the running resources use: share of a processor, resident memory, number of "
                   "processes, bytes read from and written to disks. On a terminal the table is kept up to "
                   "date until q or Ctrl-C; elsewhere it is printed "
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
