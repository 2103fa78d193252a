/* `run --chaos KIND=TIME`: while the command runs something fails on purpose, TIME after the start and TIME
 * after each time that it is over.
 *
 * Each is a command of ours in the same session, one at a time: to each resource with several servers in
 * turn, and where a node is meant, to each of its nodes with data in turn. Happy path: chaos_new() checks
 * that there is somebody to do it to, and at the end it is told when what was done and what the servers made
 * of it. Failures: one that fails is told with the others, and changes nothing of the command's own code.
 * What is under way when the command ends is waited for, so that a session that goes on is whole. */
#include "cli/chaos.h"
#include "process/process.h"
#include "session/await.h"
#include "session/client.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/pick.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { END_LIMIT_MS = 60000, SAID_LIMIT = 2000 };

/* $0: we; $1: the resource; $2: the node. Servers miss each other after 5 s. */
static const struct chaos_kind {
    const char *name, *script;
    bool is_of_nodes, needs_network;
} kinds[] = {
    {"failover", "exec \"$0\" redis \"$1\" --failover", false, false},
    {"kill", "\"$0\" kill \"$2\" && sleep 8 && exec \"$0\" start \"$2\"", true, false},
    {"partition", "\"$0\" redis \"$1\" --partition \"$2\" && sleep 8 && exec \"$0\" redis \"$1\" --heal",
     true, true},
};

/* One that is over; texts in the chaos's arena, but for the kind's and the targets'. */
struct chaos_blow {
    const char *resource, *node; /* node: NULL where none is meant */
    int64_t at_ms, elapsed_ms;
    int code;
    const char *said;
};

struct chaos {
    struct context *context;
    const struct chaos_kind *kind;
    int64_t pause_ms, begun_ms, at_ms;
    struct strlist resources, nodes; /* whom it is done to, in turn */
    size_t turn;
    const struct strlist *environment;
    struct timer timer;
    struct process *process;
    struct strbuf said;
    bool is_idle;
    struct chaos_blow *done;
    size_t done_count;
    struct arena arena;
};

/* ---- what, and to whom ---- */

static int read_option(struct chaos *chaos, const char *text, struct error *err)
{
    size_t length = strcspn(text, "=");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == length && !strncmp(kinds[i].name, text, length))
            chaos->kind = &kinds[i];
    bool is_timed = text[length] && str_to_duration_ms(text + length + 1, &chaos->pause_ms);
    if (chaos->kind && is_timed && chaos->pause_ms > 0)
        return 0;
    error_set(err, ERROR_USAGE, "--chaos %s is not understood", text);
    error_hint(err, "failover=5s, kill=20s or partition=20s");
    return -1;
}

static void add_targets(struct chaos *chaos, const struct plan *plan, const struct plan_resource *resource)
{
    const struct plan_node *node = plan_node_of(plan, resource, 0);
    if (!node || !node->run.topology.kind)
        return;
    const struct plan_topology *topology = &node->run.topology;
    size_t count = topology->replicas > 0;
    if (chaos->kind->is_of_nodes)
        count = (size_t)(topology->shards * (1 + topology->replicas));

    for (size_t i = 0; i < count; i++) {
        strlist_add(&chaos->resources, resource->name);
        strlist_add(&chaos->nodes, plan_node_of(plan, resource, i)->resource);
    }
}

static int find_targets(struct chaos *chaos, struct error *err)
{
    const struct plan *plan = chaos->context->project.plan;
    const char *name = chaos->kind->name;
    if (chaos->kind->needs_network && str_eq(plan->engine_kind, "native"))
        return error_set(err, ERROR_USAGE, "--chaos %s: the native engine has no network to cut", name);
    for (size_t i = 0; i < plan->resource_count; i++)
        add_targets(chaos, plan, &plan->resources[i]);
    if (chaos->resources.count)
        return 0;
    error_set(err, ERROR_USAGE, "--chaos %s: the manifest has no servers that could do without one", name);
    error_hint(err, "`replication`, `sentinel` and `cluster` with replicas have");
    return -1;
}

/* ---- doing it ---- */

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct chaos *chaos = data;
    (void)stream;
    if (chaos->said.length + length < SAID_LIMIT)
        strbuf_add(&chaos->said, bytes, length);
}

static int64_t now_ms(const struct chaos *chaos)
{
    return loop_now_ms(&chaos->context->client.loop);
}

/* Its lines as one. */
static char *take_said(struct chaos *chaos)
{
    while (chaos->said.length && chaos->said.data[chaos->said.length - 1] == '\n')
        chaos->said.data[--chaos->said.length] = '\0';
    char *text = xstrdup(strbuf_text(&chaos->said));
    strbuf_free(&chaos->said);
    for (char *at = strchr(text, '\n'); at; at = strchr(at, '\n'))
        *at = ' ';
    return text;
}

static void note(struct chaos *chaos, int code)
{
    cleanup_free char *said = take_said(chaos);
    size_t count = chaos->done_count++;
    chaos->done = arena_grow(&chaos->arena, chaos->done, count, count + 1, sizeof *chaos->done);
    struct chaos_blow *blow = &chaos->done[count];
    *blow = (struct chaos_blow){
        .resource = chaos->resources.items[chaos->turn],
        .at_ms = chaos->at_ms - chaos->begun_ms,
        .elapsed_ms = now_ms(chaos) - chaos->at_ms,
        .code = code,
        .said = arena_strdup(&chaos->arena, said),
    };
    if (chaos->kind->is_of_nodes)
        blow->node = chaos->nodes.items[chaos->turn];
}

static void rest(struct chaos *chaos)
{
    chaos->turn = (chaos->turn + 1) % chaos->resources.count;
    chaos->is_idle = true;
    timer_start(&chaos->timer, chaos->pause_ms);
}

static void on_over(const struct process_exit *how, void *data)
{
    struct chaos *chaos = data;
    note(chaos, how->code);
    rest(chaos);
}

static void strike(void *data)
{
    struct chaos *chaos = data;
    cleanup_error struct error error = {0};
    char self[PATH_MAX] = "";
    const char *const argv[] = {"/bin/sh",
                                "-c",
                                chaos->kind->script,
                                self,
                                chaos->resources.items[chaos->turn],
                                chaos->nodes.items[chaos->turn],
                                NULL};
    const struct process_options options = {.argv = argv,
                                            .environment = (const char *const *)chaos->environment->items,
                                            .on_output = on_output,
                                            .on_exit = on_over,
                                            .data = chaos};

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        self[0] = '\0'; /* it cannot be run, and that is told */
    process_free(take_ptr(&chaos->process));
    chaos->at_ms = now_ms(chaos);
    chaos->is_idle = false;
    chaos->process = process_spawn(&chaos->context->client.loop, &options, &error);
    if (chaos->process)
        return;
    strbuf_adds(&chaos->said, error.text);
    note(chaos, -1);
    rest(chaos);
}

/* ---- telling ---- */

static void tell_one(const struct chaos *chaos, const struct chaos_blow *blow)
{
    const struct output *output = &chaos->context->output;
    const char *whom = text_or(blow->node, blow->resource), *kind = chaos->kind->name;
    char at[24];
    str_elapsed(blow->at_ms, at);
    if (blow->code == 0)
        output_note(output, "chaos: %s of %s after %s: %s", kind, whom, at, blow->said);
    else
        output_warn(output, "chaos: %s of %s after %s failed (%d): %s", kind, whom, at, blow->code,
                    blow->said);
}

static void tell_roles(struct context *context)
{
    cleanup_view struct view *view = NULL;
    cleanup_strbuf struct strbuf roles = {0};
    if (client_view(&context->client, ANSWER_LIMIT, &view, NULL))
        return;
    for (size_t i = 0; i < view->resource_count; i++)
        if (view->resources[i].role)
            strbuf_addf(&roles, "; %s: %s", view->resources[i].name, view->resources[i].role);
    if (roles.length)
        output_note(&context->output, "chaos: at the end%s", strbuf_text(&roles));
}

/* ---- the whole ---- */

struct chaos *chaos_new(struct context *context, struct error *err)
{
    const char *text = args_value(&context->args, "chaos");
    if (!text)
        return NULL;
    struct chaos *chaos = xcalloc(1, sizeof *chaos);
    chaos->context = context;
    chaos->is_idle = true;
    if (!read_option(chaos, text, err) && !find_targets(chaos, err))
        return chaos;
    chaos_free(chaos);
    return NULL;
}

void chaos_begin(struct chaos *chaos, const struct strlist *environment)
{
    if (!chaos)
        return;
    chaos->environment = environment;
    chaos->begun_ms = now_ms(chaos);
    timer_init(&chaos->context->client.loop, &chaos->timer, strike, chaos);
    timer_start(&chaos->timer, chaos->pause_ms);
}

void chaos_end(struct chaos *chaos)
{
    struct wait wait = {.what = "the end of --chaos", .limit = LIMIT_MS(END_LIMIT_MS)};
    cleanup_error struct error ignored = {0};
    if (!chaos || !chaos->environment)
        return;
    wait.fact = &chaos->is_idle;
    await(&chaos->context->client, &wait, &ignored);
    timer_stop(&chaos->timer);
    process_free(take_ptr(&chaos->process));

    for (size_t i = 0; i < chaos->done_count; i++)
        tell_one(chaos, &chaos->done[i]);
    tell_roles(chaos->context);
}

static cJSON *blow_json(const struct chaos *chaos, const struct chaos_blow *blow)
{
    cJSON *entry = cJSON_CreateObject();
    json_add_string(entry, "kind", chaos->kind->name);
    json_add_string(entry, "resource", blow->resource);
    json_add_string(entry, "node", blow->node);
    json_add_int(entry, "atMs", blow->at_ms);
    json_add_int(entry, "elapsedMs", blow->elapsed_ms);
    json_add_int(entry, "code", blow->code);
    json_add_string(entry, "said", blow->said);
    return entry;
}

cJSON *chaos_json(const struct chaos *chaos)
{
    cJSON *list = NULL;
    if (chaos)
        list = cJSON_CreateArray();
    for (size_t i = 0; chaos && i < chaos->done_count; i++)
        cJSON_AddItemToArray(list, blow_json(chaos, &chaos->done[i]));
    return list;
}

void chaos_free(struct chaos *chaos)
{
    if (!chaos)
        return;
    process_free(chaos->process);
    strlist_free(&chaos->resources);
    strlist_free(&chaos->nodes);
    strbuf_free(&chaos->said);
    arena_free(&chaos->arena);
    free(chaos);
}
