/* apphost pull: fetch all images of the manifest, all at once, with progress. */
#include "engine/once.h"
#include "ui/render.h"
#include "session/context.h"

#include "base/mem.h"

#include <stdlib.h>

enum { IDLE_MS = 60000 };

struct pull {
    struct pulls *all;
    const char *image, *platform; /* as the manifest has it */
    int64_t begun_ms;
    struct error error;
};

struct pulls {
    struct context *context;
    struct engine_once once;
    struct render *render;
    struct pull *items;
    size_t count, pending;
    bool are_done;
};

/* The renderer speaks the control protocol's transitions, so that is what it gets. */
static void show(struct pull *pull, enum view_state state, int64_t current, int64_t total,
                 const struct error *error)
{
    cleanup_free char *node = xasprintf("image:%s", pull->image);
    const struct transition transition = {
        .type = NEWS_TRANSITION,
        .resource = pull->image,
        .node = node,
        .kind = VIEW_PULL,
        .state = state,
        .elapsed_ms = loop_now_ms(&pull->all->once.loop) - pull->begun_ms,
        .current = {true, current},
        .total = {true, total},
        .cause = error,
    };
    render_record(pull->all->render, &transition);
}

static void on_progress(const char *status, int64_t current, int64_t total, void *data)
{
    (void)status;
    show(data, VIEW_PULLING, current, total, NULL);
}

static void on_done(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct pull *pull = data;
    struct pulls *all = pull->all;
    bool failed = err && error_is_set(err);
    all->are_done = --all->pending == 0;
    if (!failed) {
        show(pull, VIEW_COMPLETED, 0, 0, NULL);
        return;
    }
    show(pull, VIEW_FAILED, 0, 0, err);
    error_copy(&pull->error, err);
}

static bool is_listed(const struct pulls *pulls, const struct plan_run *specification)
{
    for (size_t i = 0; i < pulls->count; i++)
        if (str_eq(pulls->items[i].image, specification->image) &&
            str_eq(pulls->items[i].platform, specification->platform))
            return true;
    return false;
}

static void collect(struct pulls *pulls, const struct plan *plan, const struct strlist *names)
{
    pulls->items = xcalloc(plan->node_count + 1, sizeof *pulls->items);
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        bool wanted = !names->count || (node->resource && strlist_has(names, node->resource));
        if (wanted && node->kind == PLAN_CONTAINER && node->run.image && !is_listed(pulls, &node->run))
            pulls->items[pulls->count++] =
                (struct pull){.all = pulls, .image = node->run.image, .platform = node->run.platform};
    }
}

/* Every failure is told once: the first one becomes the command's, the others are told here. */
static int report(struct pulls *pulls, struct error *err)
{
    int failed = 0;
    for (size_t i = 0; i < pulls->count; i++) {
        struct error *error = &pulls->items[i].error;
        if (!error_is_set(error))
            continue;
        if (!failed)
            error_move(err, error);
        else if (!pulls->context->output.json)
            output_error(&pulls->context->output, error);
        failed = -1;
        error_clear(error);
    }
    return failed;
}

static int pull_all(struct pulls *pulls, struct error *err)
{
    for (size_t i = 0; i < pulls->count; i++) {
        struct pull *pull = &pulls->items[i];
        pull->begun_ms = loop_now_ms(&pulls->once.loop);
        pulls->pending++;
        show(pull, VIEW_PULLING, 0, 0, NULL);
        struct engine_pull wanted = {pull->image, pull->platform, LIMIT_MS(IDLE_MS), on_progress};
        engine_image_pull(pulls->once.engine, &wanted, on_done, pull);
    }

    struct wait wait = {
        .fact = &pulls->are_done,
        .what = "the end of the pulls",
        .limit = FOREVER, /* each ends when nothing comes for IDLE_MS */
    };
    int failed = engine_once_await(&pulls->once, &wait, err);
    render_finish(pulls->render, true);
    if (failed)
        return -1;
    return report(pulls, err);
}

static void print_list(const struct context *context, const struct pulls *pulls)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "images");
    for (size_t i = 0; i < pulls->count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(pulls->items[i].image));
    for (size_t i = 0; context->dry_run && !context->output.json && i < pulls->count; i++)
        printf("would pull %s\n", pulls->items[i].image);
    if (context->output.json)
        output_json(document);
}

static int run(struct context *context, struct error *err)
{
    struct pulls pulls = {.context = context};
    struct project_options options = context_project_options(context);
    if (project_check_names(&context->project, &context->args.names, err))
        return -1;
    collect(&pulls, context->project.plan, &context->args.names);
    int failed = 0;

    if (pulls.count && !context->dry_run) {
        failed = project_resolve_engine(&context->project, &options, err) ||
                 engine_once_open(&pulls.once, &context->project.engine, context->environment, err);
        if (!failed) {
            pulls.render = render_new(&context->output, &pulls.once.loop, stderr);
            failed = pull_all(&pulls, err);
            render_free(pulls.render);
            engine_once_close(&pulls.once);
        }
    }

    if (!failed)
        print_list(context, &pulls);
    free(pulls.items);
    if (failed)
        return -1;
    return 0;
}

const struct command cmd_pull = {
    .name = "pull",
    .summary = "fetch the images of the manifest",
    .usage = "[RES…]",
    .description = "Pulls the images of the resources (all, without names), all at once.",
    .examples = "apphost pull --dry-run\n",
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MANIFEST,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
