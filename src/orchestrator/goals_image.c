/* Images: waiting → present.
 *
 * "Not known to be absent" is enough; a create that answered 404 makes it absent, and it is pulled once for
 * all its users. Nothing here removes one. */
#include "orchestrator/internal.h"

enum { PULL_IDLE_MS = 60000, DETAIL_MS = 100 };

/* The policy of its users: one that wants it fresh is enough. */
static int pull_policy(const struct node *image)
{
    int policy = MODEL_PULL_NEVER;
    if (!image->dependant_count)
        return MODEL_PULL_MISSING;
    for (size_t i = 0; i < image->dependant_count; i++) {
        const struct plan_node *user = image->dependants[i]->spec;
        if (user && user->run.pull == MODEL_PULL_ALWAYS)
            return MODEL_PULL_ALWAYS;
        if (user && user->run.pull == MODEL_PULL_MISSING)
            policy = MODEL_PULL_MISSING;
    }
    return policy;
}

static bool is_present(const struct node *node)
{
    return !node->facts.absent && (node->facts.pulled || pull_policy(node) != MODEL_PULL_ALWAYS);
}

static void pull_ended(struct orchestrator *o)
{
    if (--o->pulls == 0)
        o->pulling_ms += loop_now_ms(o->services.loop) - o->pull_started_ms;
}

static void on_progress(const char *status, int64_t current, int64_t total, void *data)
{
    struct node *node = data;
    int64_t now = node_now(node);
    bool news = current == total || now - node->told_ms >= DETAIL_MS;
    if (!news)
        return;
    node->told_ms = now;
    if (total > 0)
        node_set_detail(node, current, total, "%s %.1f MB of %.1f MB", node->name, (double)current / 1e6,
                        (double)total / 1e6);
    else
        node_set_detail(node, current, total, "%s: %s", node->name, text_or_empty(status));
}

static void on_pulled(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    pull_ended(node->o);
    node_op_end(node);
    if (err && (err->code == ERROR_ENGINE || err->code == ERROR_PROTOCOL))
        node_op_failed(node, err);
    else if (err)
        node_fail(node, err);
    else {
        facts_lack(node, false);
        node->facts.pulled = true;
    }
}

static void fetch(struct node *node)
{
    struct orchestrator *o = node->o;
    const char *platform = NULL;
    for (size_t i = 0; i < node->dependant_count && !platform; i++) {
        if (node->dependants[i]->spec)
            platform = node->dependants[i]->spec->run.platform;
    }

    if (pull_policy(node) == MODEL_PULL_NEVER) {
        cleanup_error struct error err = {0};
        error_set(&err, ERROR_NO_IMAGE, "image %s is not present, and pull is \"never\"", node->name);
        error_hint(&err, "pull it with `apphost pull`, or set `pull: missing`");
        node_fail(node, &err);
        return;
    }
    if (o->pulls++ == 0)
        o->pull_started_ms = node_now(node);
    const struct engine_pull pull = {node->name, platform, LIMIT_MS(PULL_IDLE_MS), on_progress};
    node_op_begin(node, OP_PULL, engine_image_pull(o->services.engine, &pull, on_pulled, node));
}

static bool always(const struct node *node)
{
    (void)node;
    return true;
}

static const char pull_why[] = "an image may be of any size; a minute without a byte ends the pull";

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, goal_connected_met),
    GOAL_LASTS("present", STATE_PULLING, is_present, fetch, pull_why),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("unused", STATE_STOPPING, always),
    GOALS_END,
};

static void on_cancelled(struct node *node)
{
    pull_ended(node->o);
}

/* `pull: always` means once for each time that somebody asks for it. */
static void on_wanted(struct node *node)
{
    node->facts.pulled = false;
}

const struct node_kind image_kind = {
    .name = "image",
    .up = up,
    .down = down,
    .is_engines = true,
    .is_fetched = true,
    .is_silent = true,
    .on_wanted = on_wanted,
    .on_cancelled = on_cancelled,
};
