/* The frame of every probe: try, pause, try again, and tell the owner when something changed.
 *
 * Happy path: first try → probe_succeeded() → READY, then a look every interval. A failure before that is
 * kept and makes a growing pause; only one that is final is told. A failure afterwards is LOST, told at once
 * and tried again at once. */
#include "probe/probe.h"
#include "base/mem.h"
#include "base/names.h"
#include "probe/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_PAUSE_MS = 2,
    PAUSE_PART = 32,
    LAST_PAUSE_MS = 250,
    READY_INTERVAL_MS = 5000,
    ATTEMPT_TIMEOUT_MS = 2000
};

static const struct probe_ops *const kinds[] = {
    [PROBE_PING] = &probe_ping,
    [PROBE_HTTP] = &probe_http,
    [PROBE_TCP] = &probe_tcp,
    [PROBE_EXEC] = &probe_exec,
};
EACH_OF(kinds, PROBE_KIND_COUNT);

static void try_now(void *data)
{
    struct probe *p = data;
    p->is_trying = true;
    timer_start(&p->limit,
                p->options.attempt_timeout_ms ? p->options.attempt_timeout_ms : ATTEMPT_TIMEOUT_MS);
    p->ops->start(p);
}

static void on_limit(void *data)
{
    struct probe *p = data;
    struct error err = {0};
    p->ops->cancel(p);
    error_set(
        &err, ERROR_TIMEOUT, "no answer within %lld ms",
        (long long)(p->options.attempt_timeout_ms ? p->options.attempt_timeout_ms : ATTEMPT_TIMEOUT_MS));
    probe_failed(p, false, &err);
}

/* A part of the time that has passed: what is ready is seen at most this part later than it could have been.
 */
static int64_t next_pause_ms(const struct probe *p)
{
    int64_t pause_ms = (loop_now_ms(p->loop) - p->since_ms) / PAUSE_PART;
    if (p->options.interval_ms)
        return p->options.interval_ms;
    if (pause_ms < FIRST_PAUSE_MS)
        return FIRST_PAUSE_MS;
    return pause_ms < LAST_PAUSE_MS ? pause_ms : LAST_PAUSE_MS;
}

static void end_try(struct probe *p)
{
    p->is_trying = false;
    timer_stop(&p->limit);
}

void probe_succeeded(struct probe *p)
{
    end_try(p);
    p->was_final = false;
    timer_start(&p->next, p->options.interval_ms ? p->options.interval_ms : READY_INTERVAL_MS);
    if (p->state == PROBE_READY)
        return;
    p->state = PROBE_READY;
    p->on_change(PROBE_READY, NULL, false, p->data);
}

void probe_failed(struct probe *p, bool is_final, struct error *err)
{
    bool is_news = p->state == PROBE_READY || (is_final && !p->was_final);
    end_try(p);
    error_clear(&p->last);
    error_move(&p->last, err);
    p->was_final = is_final;
    if (p->state == PROBE_READY) {
        p->state = PROBE_LOST;
        p->since_ms = loop_now_ms(p->loop);
    }
    timer_start(&p->next, next_pause_ms(p));
    if (is_news)
        p->on_change(p->state, &p->last, is_final, p->data);
}

static void copy_options(struct probe *p, const struct probe_options *options)
{
    struct probe_options *o = &p->options;
    *o = *options;
    o->host = xstrdup_null(options->host);
    o->unix_path = xstrdup_null(options->unix_path);
    o->username = xstrdup_null(options->username);
    o->password = xstrdup_null(options->password);
    o->ca_file = xstrdup_null(options->ca_file);
    o->tls_name = xstrdup_null(options->tls_name);
    o->http_path = xstrdup_null(options->http_path);
    o->working_dir = xstrdup_null(options->working_dir);
    for (const char *const *at = options->argv; at && *at; at++)
        strlist_add(&p->argv, *at);
    for (const char *const *at = options->environment; at && *at; at++)
        strlist_add(&p->environment, *at);
}

static void free_options(struct probe *p)
{
    struct probe_options *o = &p->options;
    const char *strings[] = {o->host,    o->unix_path, o->username,  o->password,
                             o->ca_file, o->tls_name,  o->http_path, o->working_dir};
    if (o->password)
        mem_wipe((char *)o->password, strlen(o->password));
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free((char *)strings[i]);
    strlist_free(&p->argv);
    strlist_free(&p->environment);
}

struct probe *probe_start(struct loop *loop, const struct probe_options *options, probe_change_cb *on_change,
                          void *data)
{
    struct probe *p = xcalloc(1, sizeof *p);
    p->loop = loop;
    p->on_change = on_change;
    p->data = data;
    p->ops = kinds[options->kind];
    p->since_ms = loop_now_ms(loop);
    copy_options(p, options);
    turn_init(&p->first, try_now, p);
    timer_init(loop, &p->next, try_now, p);
    timer_init(loop, &p->limit, on_limit, p);
    loop_post(loop, &p->first);
    return p;
}

const struct error *probe_last_error(const struct probe *probe)
{
    return error_is_set(&probe->last) ? &probe->last : NULL;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    loop_unpost(p->loop, &p->first);
    timer_stop(&p->next);
    timer_stop(&p->limit);
    p->ops->cancel(p);
    free_options(p);
    strbuf_free(&p->output);
    error_clear(&p->last);
    free(p);
}
