/* Operations and failures of a node: at most one is in flight, and what it came to is told here.
 *
 * node_op_failed() tells trouble with the engine (the root is lost, nothing failed) from trouble that may
 * pass (again after a while, a few times) from failure for good. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <assert.h>
#include <string.h>

enum { GLANCE_AFTER_MS = 3000 };

static bool is_change(enum op what)
{
    return what == OP_CREATE || what == OP_JOIN || what == OP_START || what == OP_STOP || what == OP_REMOVE;
}

static void plan_glance(struct node *node)
{
    if (!node->op || !node->kind->glance || !is_change(node->doing))
        return;
    node->glance_pause_ms = GLANCE_AFTER_MS;
    node->glance_ms = node_now(node) + GLANCE_AFTER_MS;
}

static void forget_glance(struct node *node)
{
    if (node->glance)
        engine_cancel(node->o->services.engine, take_ptr(&node->glance));
    node->glance_ms = 0;
}

void node_op_begin(struct node *node, enum op what, struct engine_op *op)
{
    assert(!node->doing);
    node->doing = what;
    node->doing_ns = loop_wall_ns(node->o->services.loop);
    node->op = op;
    facts_disturb(node, false);
    facts_answer_by(node, 0);
    plan_glance(node);
}

void node_op_end(struct node *node)
{
    forget_glance(node);
    if (node->doing)
        moment_of_op(node);
    node->doing = OP_NONE;
    node->op = NULL;
    slot_release(node);
    node_wake(node);
}

void node_op_cancel(struct node *node)
{
    struct orchestrator *o = node->o;
    engine_cancel(o->services.engine, node->op);
    if (node->kind->on_cancelled)
        node->kind->on_cancelled(node);
    if (node->facts.seen == SEEN_PRESENT || node->doing == OP_CREATE)
        facts_see(node, SEEN_UNKNOWN);
    node_op_end(node);
}

static bool is_engine_trouble(const struct error *err)
{
    return err->code == ERROR_ENGINE || err->code == ERROR_PROTOCOL;
}

/* Also before its first step on the way down: what was begun on the way up may be answered in between. */
static bool is_unwanted(const struct node *node)
{
    return node->want == WANT_STOPPED || node->want == WANT_REMOVED;
}

/* Another try after a while: conflicts and time-outs pass, on the way down nearly everything does. All tries
 * together have the time of a row. */
static bool may_pass(const struct node *node, const struct error *err)
{
    const struct facts *facts = &node->facts;
    bool has_time = node_now(node) - facts->trouble_ms < goal_object_limit(node).ms;
    if (facts->retries >= RETRY_LIMIT || !has_time)
        return false;
    if (err->code == ERROR_CONFLICT || err->code == ERROR_TIMEOUT || err->code == ERROR_GONE)
        return true;
    return node->going_down || is_unwanted(node);
}

void node_op_failed(struct node *node, const struct error *err)
{
    struct facts *facts = &node->facts;
    if (facts->seen == SEEN_PRESENT)
        facts_see(node, SEEN_UNKNOWN);

    if (is_engine_trouble(err))
        engine_lose(node->o, err);
    /* An engine that goes away every time it is asked for this one thing: the thing is what fails. */
    if (is_engine_trouble(err) && (facts->was_ready || facts_retry(node) < RETRY_LIMIT)) {
        node_wake(node);
        return;
    }

    log_info("%s: %s", node->id, err->text);
    if (!facts->retries)
        facts->trouble_ms = node_now(node);
    if (may_pass(node, err)) {
        int tries = facts_retry(node);
        int64_t pause_ms = tries ? 100 << tries : 0;
        facts_pause_until(node, node_now(node) + pause_ms);
        node_wake(node);
        return;
    }

    node_give_up(node, err);
}

/* ---- failure ---- */

static void fail_now(struct node *node)
{
    node->failed = true;
    facts_ready(node, false);
    log_info("%s failed: %s", node->id, node->error.text);
    node_wake(node);
}

static void on_tail(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (!err && result->output) {
        free(node->output.tail);
        node->output.tail = xstrdup(result->output);
    }
    fail_now(node);
}

/* The engine is asked by id, people know the name. */
static void name_the_object(struct node *node)
{
    if (node->facts.object && node->spec && node->spec->run.engine_name && node->error.text)
        error_call(&node->error, node->facts.object, node->spec->run.engine_name);
}

void node_give_up(struct node *node, const struct error *err)
{
    struct orchestrator *o = node->o;
    struct facts *facts = &node->facts;
    error_clear(&node->error);
    error_copy(&node->error, err);
    node->words_are_told = false;
    name_the_object(node);
    if (node->resource && !node->error.resource)
        error_resource(&node->error, node->resource);

    const struct plan_resource *resource = node_resource(node);
    if (resource && resource->pos.file && !node->error.source.file)
        error_at(&node->error, resource->pos.file, resource->pos.line, resource->pos.column);

    /* What could not be taken down said nothing about that; and going down cancels the reading. */
    bool has_output = node->kind->at_engine && facts->object && facts->started_ms && !node->going_down;
    if (!has_output || node->doing || node->output.writer || !engine_is_listed(o)) {
        fail_now(node);
        return;
    }
    node_op_begin(node, OP_TAIL,
                  engine_container_tail(o->services.engine, facts->object, TAIL_LINES, on_tail, node));
}

void node_fail(struct node *node, const struct error *err)
{
    if (!is_unwanted(node)) {
        node_give_up(node, err);
        return;
    }
    log_info("%s: on its way down: %s", node->id, err->text);
    if (node->kind->at_engine)
        facts_see(node, SEEN_UNKNOWN);
    node_wake(node);
}

void node_fail_in_words(struct node *node, const struct error *err)
{
    bool fails = !is_unwanted(node);
    node_fail(node, err);
    node->words_are_told = fails;
}

void node_fail_text(struct node *node, enum error_code code, const char *format, ...)
{
    cleanup_error struct error err = {0};
    va_list args;
    va_start(args, format);
    error_vset(&err, code, format, args);
    va_end(args);
    node_fail(node, &err);
}

void node_clear_failure(struct node *node)
{
    node->failed = false;
    error_clear(&node->error);
    facts_count_retries(node, 0);
    facts_count_restarts(node, 0);
    facts_pause_until(node, 0);
    facts_was_ready(node, node->facts.ready);
}
