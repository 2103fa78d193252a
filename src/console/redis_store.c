/* See redis_store.h. */
#include "console/redis_store.h"
#include "session/await.h"
#include "ui/view.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_LENGTH = 100 };

int redis_store_check_name(const char *name, struct error *err)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    bool is_good = length > 0 && length <= NAME_MAX_LENGTH && strspn(name, known) == length && *name != '.' &&
                   *name != '-' && !str_ends(name, ".tmp");
    if (is_good)
        return 0;
    cleanup_free char *shown = str_printable(name);
    error_set(err, ERROR_USAGE, "\"%.120s\" cannot be a snapshot's name", shown);
    error_hint(err, "letters, digits, dots, underscores and hyphens, at most %d", NAME_MAX_LENGTH);
    return -1;
}

static char *folder_of(const struct project *project, const char *resource)
{
    cleanup_free char *state = project_folder(project);
    if (state)
        return xasprintf("%s/snapshots/%s", state, resource);
    return NULL;
}

/* ---- running an operation ---- */

struct running {
    bool is_done;
    struct error error;
    struct redis_data_result result;
    int64_t elapsed_ms;
};

static void on_done(const struct error *error, const struct redis_data_result *result, void *data)
{
    struct running *running = data;
    running->is_done = true;
    running->result = *result;
    if (error)
        error_copy(&running->error, error);
}

typedef struct redis_data *start_cb(struct loop *loop, const struct redis_conn_options *server,
                                    const char *file, redis_data_done_cb *done, void *data);

/* Of a cluster the other primaries: its data is spread over all of them. */
struct others {
    struct redis_link *links;
    size_t count;
};

static void forget_others(struct others *others)
{
    for (size_t i = 0; i < others->count; i++)
        redis_link_fini(&others->links[i]);
    free(others->links);
}

static int add_other(const struct redis_link *link, const struct view_resource *node, struct others *others,
                     struct error *err)
{
    if (!str_eq(node->replica_of, link->asked))
        return 0;
    if (!node->role)
        return error_set(err, ERROR_FAILED, "the cluster is not whole: %s is missing", node->name);
    if (!str_eq(node->role, "primary") || str_eq(node->name, link->resource))
        return 0;
    return redis_link_init(&others->links[others->count++], link->context, node->name, err);
}

/* A node of a cluster holds a part of the data: emptied, filled or kept alone it would be no data set. */
static int find_others(const struct redis_link *link, struct others *others, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (!link->is_cluster)
        return 0;
    if (str_eq(link->asked, link->resource))
        return error_set(err, ERROR_USAGE,
                         "%s is a node of a cluster: this is done to the cluster as a whole", link->resource);
    if (client_view(&link->context->client, ANSWER_LIMIT, &view, err))
        return -1;

    others->links = xcalloc(view->resource_count, sizeof *others->links);
    for (size_t i = 0; i < view->resource_count; i++)
        if (add_other(link, &view->resources[i], others, err))
            return -1;
    return 0;
}

/* 0, 128 + signal, or -1. */
static int perform(struct redis_link *link, start_cb *start, const char *file, struct running *running,
                   struct error *err)
{
    struct client *client = &link->context->client;
    int64_t begin_ms = loop_now_ms(&client->loop);
    struct others others = {0};
    if (find_others(link, &others, err)) {
        forget_others(&others);
        return -1;
    }

    struct wait wait = {
        .fact = &running->is_done,
        .what = "the end of the operation",
        .limit = FOREVER, /* any amount of data; a server that is gone ends it */
    };
    struct redis_data *operation = start(&client->loop, &link->server, file, on_done, running);
    for (size_t i = 0; i < others.count; i++)
        redis_data_also(operation, &others.links[i].server);
    forget_others(&others);
    int failed = await(client, &wait, err);

    if (failed)
        redis_data_cancel(operation);
    if (failed == AWAIT_INTERRUPTED)
        return signals_exit_code(client->signum);
    if (failed)
        return -1;
    running->elapsed_ms = loop_now_ms(&client->loop) - begin_ms;
    bool has_failed = error_is_set(&running->error);
    error_move(err, &running->error);
    if (has_failed)
        return -1;
    return 0;
}

static void report(const struct redis_link *link, const char *what, const char *name,
                   const struct running *running)
{
    const struct output *output = &link->context->output;
    const struct redis_data_result *result = &running->result;
    char size[24];

    str_bytes(result->bytes, size);
    if (output->json) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        json_add_string(document, "resource", link->asked);
        json_add_string(document, "action", what);
        json_add_string(document, "name", name);
        json_add_int(document, "keys", (int64_t)result->keys);
        json_add_int(document, "databases", (int64_t)result->databases);
        json_add_int(document, "commands", (int64_t)result->commands);
        json_add_int(document, "bytes", result->bytes);
        json_add_int(document, "elapsedMs", running->elapsed_ms);
        output_json(document);
        return;
    }

    if (!output->verbose)
        return;

    cleanup_free char *counted = NULL;
    if (!strcmp(what, "flush"))
        counted = xstrdup("everything");
    else if (!strcmp(what, "seed"))
        counted = xasprintf("%zu commands", result->commands);
    else
        counted = xasprintf("%zu keys, %s", result->keys, size);
    output_note(output, "%s: %s%s%s: %s in %" PRId64 " ms", link->asked, what, text_if(name, " "),
                text_or_empty(name), counted, running->elapsed_ms);
}

/* ---- the verbs ---- */

static struct redis_data *start_flush(struct loop *loop, const struct redis_conn_options *server,
                                      const char *file, redis_data_done_cb *done, void *data)
{
    (void)file;
    return redis_data_flush(loop, server, done, data);
}

int redis_store_flush(struct redis_link *link, struct error *err)
{
    struct running running = {0};
    int code = perform(link, start_flush, NULL, &running, err);
    if (code == 0)
        report(link, "flush", NULL, &running);
    return code;
}

int redis_store_seed(struct redis_link *link, const char *file, struct error *err)
{
    struct running running = {0};
    int code = perform(link, redis_data_seed, file, &running, err);
    if (code == 0)
        report(link, "seed", file, &running);
    return code;
}

int redis_store_snapshot(struct redis_link *link, const char *name, struct error *err)
{
    struct running running = {0};
    cleanup_free char *folder = folder_of(&link->context->project, link->asked);
    cleanup_free char *file = xasprintf("%s/%s", folder, name);
    if (redis_store_check_name(name, err) || file_mkdirs(folder, 0700, err))
        return -1;
    int code = perform(link, redis_data_snapshot, file, &running, err);
    if (code == 0)
        report(link, "snapshot", name, &running);
    return code;
}

/* Names of the snapshots of a resource, sorted. */
static void collect(const char *folder, struct strlist *names)
{
    struct dirent **entries = NULL;
    int count = 0;
    if (folder)
        count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (redis_store_check_name(entries[i]->d_name, NULL) == 0)
            strlist_add(names, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

void redis_store_names(const struct project *project, const char *resource, struct strlist *names)
{
    cleanup_free char *folder = folder_of(project, resource);
    collect(folder, names);
}

static int unknown_snapshot(const char *resource, const char *folder, const char *name, struct error *err)
{
    cleanup_strlist struct strlist names = {0};
    collect(folder, &names);
    const char *nearest = str_nearest(name, (const char *const *)names.items, names.count);
    error_set(err, ERROR_FAILED, "%s has no snapshot \"%s\"", resource, name);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    else if (names.count)
        error_hint(err, "apphost redis %s --snapshots lists them", resource);
    else
        error_hint(err, "apphost redis %s --snapshot %s makes it", resource, name);
    return -1;
}

int redis_store_restore(struct redis_link *link, const char *name, struct error *err)
{
    struct running running = {0};
    cleanup_free char *folder = folder_of(&link->context->project, link->asked);
    cleanup_free char *file = xasprintf("%s/%s", folder, name);
    if (redis_store_check_name(name, err))
        return -1;
    if (!file_exists(file))
        return unknown_snapshot(link->asked, folder, name, err);
    int code = perform(link, redis_data_restore, file, &running, err);
    if (code == 0)
        report(link, "restore", name, &running);
    return code;
}

/* ---- without a server: deleting, and the list ---- */

int redis_store_drop(struct context *context, const char *resource, const char *name, struct error *err)
{
    cleanup_free char *folder = folder_of(&context->project, resource);
    cleanup_free char *file = xasprintf("%s/%s", text_or_empty(folder), name);
    if (redis_store_check_name(name, err))
        return -1;
    if (!folder || !file_exists(file))
        return unknown_snapshot(resource, folder, name, err);
    if (unlink(file) != 0)
        return error_set(err, ERROR_FAILED, "cannot delete %s: %s", file, strerror(errno));

    rmdir(folder); /* where it was the last one */
    if (context->output.json) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        json_add_string(document, "resource", resource);
        json_add_string(document, "action", "drop");
        json_add_string(document, "name", name);
        output_json(document);
    } else if (context->output.verbose)
        output_note(&context->output, "%s: snapshot %s deleted", resource, name);

    return 0;
}

static void add_to_json(cJSON *list, const char *name, const struct redis_data_info *info)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "name", name);
    json_add_int(item, "keys", (int64_t)info->keys);
    json_add_int(item, "bytes", info->bytes);
    json_add_int(item, "createdAt", info->created_ms);
    json_add_string(item, "server", info->server);
    cJSON_AddItemToArray(list, item);
}

static void add_to_table(struct text_table *table, const char *name, const struct redis_data_info *info)
{
    char made[32] = "", size[24];
    cleanup_free char *keys = xasprintf("%zu", info->keys);
    time_t seconds = (time_t)(info->created_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local))
        strftime(made, sizeof made, "%Y-%m-%d %H:%M:%S", &local);
    str_bytes(info->bytes, size);
    table_row(table, (const char *const[]){name, keys, size, made, info->server});
}

int redis_store_list(struct context *context, const char *resource, struct error *err)
{
    (void)err;
    cleanup_strlist struct strlist names = {0};
    cleanup_free char *folder = folder_of(&context->project, resource);
    cleanup_json cJSON *list = cJSON_CreateArray();
    struct text_table table = {.columns = 5};

    table_row(&table, (const char *const[]){"NAME", "KEYS", "SIZE", "MADE", "SERVER"});
    collect(folder, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct redis_data_info info;
        cleanup_error struct error broken = {0};
        cleanup_free char *file = xasprintf("%s/%s", folder, names.items[i]);
        if (redis_data_info(file, &info, &broken)) {
            output_warn(&context->output, "%s", broken.text);
            continue;
        }
        add_to_json(list, names.items[i], &info);
        add_to_table(&table, names.items[i], &info);
    }

    if (context->output.json)
        output_json(list);
    else if (names.count)
        table_print(&table, stdout, context->output.colour_out);
    else
        output_note(&context->output, "%s has no snapshots", resource);
    table_free(&table);
    return 0;
}
