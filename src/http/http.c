/* The real transport: opening, starting, cancelling, and a clean end.
 *
 * Closing frees all calls without telling their callers, cleans up both multi handles (their sockets'
 * uv_polls close then), and reports back once the last handle is gone: uv_loop_close() finds nothing of ours.
 */
#include "http/http.h"
#include "http/internal.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static struct http_call *start(struct http_transport *base, const struct http_request *request,
                               const struct http_handlers *handlers)
{
    struct real_transport *transport = (struct real_transport *)base;
    struct http_call *call = http_call_new(transport, request, handlers);
    if (transport->lookup_host)
        http_lookup_start(call);
    else
        http_call_begin(call);
    return call;
}

static void cancel(struct http_call *call)
{
    http_call_free(call);
}

static void close_transport(struct http_transport *base, loop_cb *closed, void *data)
{
    struct real_transport *transport = (struct real_transport *)base;
    while (transport->calls)
        http_call_free(transport->calls);
    http_multi_fini(&transport->calls_multi);
    http_multi_fini(&transport->streams_multi);
    transport->closing = true;
    transport->on_closed = closed;
    transport->closed_data = data;
    http_check_closed(transport);
}

static const struct http_transport_ops real_ops = {
    .start = start, .cancel = cancel, .close = close_transport};

/* Names that need a look-up: not numeric, and not "localhost", which libcurl knows itself. */
static void note_lookup(struct real_transport *transport)
{
    struct in6_addr address;
    char *host = NULL, *port = NULL;
    CURLU *url = curl_url();
    if (curl_url_set(url, CURLUPART_URL, transport->url, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK && host[0] != '[' &&
        strcmp(host, "localhost") != 0 && inet_pton(AF_INET, host, &address) != 1) {
        transport->lookup_host = xstrdup(host);
        transport->lookup_port = atoi(port);
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static int check_address(const struct http_address *address, struct error *err)
{
    size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (address->unix_path && strlen(address->unix_path) > most)
        return error_set(err, ERROR_ENGINE, "the socket path %s is too long (%zu bytes, at most %zu)",
                         address->unix_path, strlen(address->unix_path), most);
    if (!address->unix_path && !address->url)
        return error_set(err, ERROR_ENGINE, "no address to connect to");
    return 0;
}

struct http_transport *http_open(struct loop *loop, const struct http_address *address, struct error *err)
{
    if (libcurl_open(err) < 0 || check_address(address, err) < 0)
        return NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct real_transport *transport = xcalloc(1, sizeof *transport);

    transport->base.ops = &real_ops;
    transport->loop = loop;
    transport->unix_path = xstrdup_null(address->unix_path);
    transport->url = xstrdup_null(address->url);
    transport->ca_file = xstrdup_null(address->ca_file);
    transport->cert_file = xstrdup_null(address->cert_file);
    transport->key_file = xstrdup_null(address->key_file);
    transport->skip_verify = address->skip_verify;
    if (address->unix_path)
        transport->name = xasprintf("unix://%s", address->unix_path);
    else
        transport->name = xstrdup(address->url);
    turn_init(&transport->closed, http_on_closed, transport);
    if (http_multi_init(&transport->calls_multi, transport) < 0 ||
        http_multi_init(&transport->streams_multi, transport) < 0)
        abort(); /* out of memory, as xmalloc */

    if (!address->unix_path)
        note_lookup(transport);
    return &transport->base;
}
