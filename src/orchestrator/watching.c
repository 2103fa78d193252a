/* Restarts because files changed: the field `watch` of a process.
 *
 * Nodes that name the same globs below the same folder (the replicas of one process) share one watch. A
 * change raises the restart generation, as `restart` does, and forgets a failure: the step does the rest. So
 * a change in the middle of a restart is one more restart, a process that has ended or failed is started
 * again without any backoff, a task runs again, and dependants are left alone. One that has not been started
 * yet needs nothing: it will see the files as they are.
 *
 * A process that writes what it watches would be restarted for ever; after a few such rounds there are pauses
 * between them, and a line in its log says which file it is. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <string.h>

enum {
    OWN_CHANGE_MS = 1000, /* that soon after a restart it was probably the process itself */
    FREE_ROUNDS = 8,
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 10000,
};

struct watching {
    struct orchestrator *o;
    char *key; /* folder and globs */
    struct watch *watch;
    int users;
    struct timer pause;
    char *path; /* what changed: during a pause, and last time */
    bool more;
    int64_t changed_ms, restarted_ms;
    int rounds; /* restarts in a row that the one before may have caused */
    struct watching *prev, *next;
};

/* ---- restart ---- */

static bool is_behind(const struct node *node, int64_t changed_ms)
{
    const struct facts *facts = &node->facts;
    if (node->process)
        return facts->started_ms <= changed_ms;
    return node->failed || facts->exited || facts->over || facts->completed;
}

static void restart(struct node *node, const struct watching *watching)
{
    if (!is_behind(node, watching->changed_ms))
        return;
    free(node->cause);
    node->cause = xasprintf("%s%s changed", watching->path, text_if(watching->more, " and others"));
    cleanup_free char *line = xasprintf("%s: restarting", node->cause);
    log_info("%s: %s", node->id, line);
    output_say(node, line);
    want_run_again(node);
    node_clear_failure(node);
    if (!node->process)
        facts_run_again(node);
    node_wake(node);
}

static void restart_all(void *data)
{
    struct watching *watching = data;
    struct orchestrator *o = watching->o;
    watching->restarted_ms = loop_now_ms(o->services.loop);
    o->busy = true;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->watching == watching && node->want == WANT_UP)
            restart(node, watching);
    }
    requests_changed(o);
}

static void say_to_all(const struct watching *watching, const char *line)
{
    for (struct node *node = watching->o->nodes; node; node = node->hh.next) {
        if (node->watching == watching)
            output_say(node, line);
    }
}

static int64_t next_pause(struct watching *watching, const char *path)
{
    int64_t since_ms = watching->changed_ms - watching->restarted_ms;
    bool is_own = watching->path && !strcmp(watching->path, path) && since_ms < OWN_CHANGE_MS;
    watching->rounds++;
    if (!is_own)
        watching->rounds = 0;
    if (watching->rounds < FREE_ROUNDS)
        return 0;
    if (watching->rounds == FREE_ROUNDS) {
        cleanup_free char *line = xasprintf("warning: %s changes after every restart; if the process writes "
                                            "it itself, take it out of `watch`",
                                            path);
        say_to_all(watching, line);
    }
    int64_t pause_ms = FIRST_PAUSE_MS << int_min(watching->rounds - FREE_ROUNDS, 8);
    return int64_min(pause_ms, LONGEST_PAUSE_MS);
}

/* ---- the watch ---- */

static void on_change(const char *path, bool more, int64_t changed_ms, void *data)
{
    struct watching *watching = data;
    watching->changed_ms = changed_ms;
    if (timer_is_armed(&watching->pause))
        return;
    int64_t pause_ms = next_pause(watching, path);
    free(watching->path);
    watching->path = str_printable(path);
    watching->more = more;
    if (pause_ms)
        timer_start(&watching->pause, pause_ms);
    else
        restart_all(watching);
}

static void on_trouble(const struct error *err, void *data)
{
    struct watching *watching = data;
    cleanup_free char *line =
        xasprintf("warning: %s%s%s", err->text, text_if(err->hint, "; "), text_or_empty(err->hint));
    log_warn("%s", line);
    say_to_all(watching, line);
}

static char *key_of(const struct plan_run *run)
{
    struct strbuf key = {0};
    strbuf_adds(&key, text_or(run->working_dir, "/"));
    for (size_t i = 0; i < run->watch_count; i++)
        strbuf_addf(&key, "\n%s", run->watch[i]);
    return strbuf_take(&key);
}

static struct watching *make(struct orchestrator *o, const struct plan_run *run, const char *key)
{
    struct watching *watching = xcalloc(1, sizeof *watching);
    struct watch_options options = {
        .folder = text_or(run->working_dir, "/"),
        .globs = run->watch,
        .glob_count = run->watch_count,
        .on_change = on_change,
        .on_trouble = on_trouble,
        .data = watching,
    };
    watching->o = o;
    watching->key = xstrdup(key);
    timer_init(o->services.loop, &watching->pause, restart_all, watching);
    DL_APPEND(o->watchings, watching);
    watching->watch = o->hooks.watch(o->services.loop, &options);
    return watching;
}

void watching_leave(struct node *node)
{
    struct watching *watching = take_ptr(&node->watching);
    node->watching_for = NULL;
    if (!watching || --watching->users)
        return;
    DL_DELETE(watching->o->watchings, watching);
    timer_stop(&watching->pause);
    watching->o->hooks.watch_free(watching->watch);
    free(watching->path);
    free(watching->key);
    free(watching);
}

void watching_settle(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct plan_node *spec = node->spec;
    bool wanted = node->kind->is_child && node->want == WANT_UP && spec && spec->run.watch_count;
    if (!wanted || node->watching_for == spec) {
        if (!wanted && node->watching)
            watching_leave(node);
        return;
    }

    cleanup_free char *key = key_of(&spec->run);
    struct watching *found;
    DL_FOREACH(o->watchings, found)
    {
        if (!strcmp(found->key, key))
            break;
    }

    if (!found)
        found = make(o, &spec->run, key);
    found->users++;
    watching_leave(node); /* what it watched before, unless it is the same */
    node->watching = found;
    node->watching_for = spec;
}
