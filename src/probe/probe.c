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

static const struct probe_ops *const kinds[] = {
    [PROBE_PING] = &probe_ping,
    [PROBE_HTTP] = &probe_http,
    [PROBE_TCP] = &probe_tcp,
    [PROBE_EXEC] = &probe_exec,
};
EACH_OF(kinds, PROBE_KIND_COUNT);

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
    copy_options(p, options);
    probe_tries_init(p);
    return p;
}

const struct error *probe_last_error(const struct probe *probe)
{
    if (error_is_set(&probe->last))
        return &probe->last;
    return NULL;
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
