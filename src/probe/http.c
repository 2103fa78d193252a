/* GET over a fresh connection each time; the status decides: the wanted one, or anything from 200 to 399. */
#include "http/http.h"
#include "base/mem.h"
#include "base/pick.h"
#include "probe/internal.h"

#include <string.h>

enum { BODY_LIMIT = 1024 * 1024 };

static void drop_call(struct probe *p)
{
    if (!p->transport)
        return;
    http_cancel(p->transport, p->call);
    http_close(p->transport, NULL, NULL);
    p->transport = NULL;
    p->call = NULL;
}

static bool is_wanted(const struct probe *p, int status)
{
    if (p->options.http_status)
        return status == p->options.http_status;
    return status >= 200 && status <= 399;
}

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct probe *p = data;
    struct error failure = {0};
    int status = 0;
    if (response)
        status = response->status;
    bool is_ok = !error_is_set(err) && is_wanted(p, status);
    if (error_is_set(err))
        error_copy(&failure, err);
    else if (!is_ok)
        error_set(&failure, ERROR_RESOURCE, "GET %s answered %d", text_or(p->options.http_path, "/"), status);

    p->call = NULL;
    drop_call(p);
    if (is_ok)
        probe_succeeded(p);
    else
        probe_failed(p, false, &failure);
}

static char *base_url(const struct probe_options *o)
{
    const char *host = text_or(o->host, "127.0.0.1");
    bool is_v6 = strchr(host, ':') != NULL;
    return xasprintf("http%s://%s%s%s:%d", text_if(o->tls, "s"), text_if(is_v6, "["), host,
                     text_if(is_v6, "]"), o->port);
}

static void start(struct probe *p)
{
    struct error err = {0};
    cleanup_free char *url = base_url(&p->options);
    const struct http_address address = {
        .unix_path = p->options.unix_path,
        .url = url,
        .ca_file = p->options.ca_file,
    };
    const struct http_request request = {
        .method = "GET",
        .path = text_or(p->options.http_path, "/"),
        .fresh = true,
        .limits = {FOREVER, FOREVER, FOREVER}, /* the try has a clock of its own: probe.c */
        .limit = BODY_LIMIT,
    };
    const struct http_handlers handlers = {.done = on_done, .data = p};

    p->transport = http_open(p->loop, &address, &err);
    if (p->transport)
        p->call = http_start(p->transport, &request, &handlers);
    else
        probe_failed(p, true, &err);
}

const struct probe_ops probe_http = {.start = start, .cancel = drop_call};
