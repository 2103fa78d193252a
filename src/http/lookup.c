/* Host names are resolved by libuv and handed to libcurl with CURLOPT_RESOLVE: cancelling a transfer that
 * libcurl resolves itself would join its resolver thread, and block the loop for as long as a name server is
 * silent.
 *
 * A look-up outlives its call when that is cancelled; the transport's end waits for it. */
#include "http/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <netdb.h>
#include <stdlib.h>

struct http_lookup {
    uv_getaddrinfo_t request;
    struct real_transport *transport;
    struct http_call *call; /* NULL: dropped */
};

static bool add_addresses(struct strbuf *entry, const struct addrinfo *first)
{
    char text[NI_MAXHOST];
    int count = 0;
    for (const struct addrinfo *a = first; a && count < 8; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        bool is_v6 = a->ai_family == AF_INET6;
        strbuf_addf(entry, "%s%s%s%s", text_if(count++, ","), text_if(is_v6, "["), text, text_if(is_v6, "]"));
    }
    return count > 0;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct http_lookup *lookup = request->data;
    struct real_transport *transport = lookup->transport;
    struct http_call *call = lookup->call;
    cleanup_strbuf struct strbuf entry = {0};

    strbuf_addf(&entry, "%s:%d:", transport->lookup_host, transport->lookup_port);
    if (call)
        call->lookup = NULL;
    if (call && (status < 0 || !add_addresses(&entry, addresses))) {
        error_set(&call->error, ERROR_ENGINE, "cannot find the host of %s: %s", transport->name,
                  status < 0 ? uv_strerror(status) : "no address");
        http_call_end(call);
    } else if (call) {
        struct curl_slist *list = curl_slist_append(NULL, strbuf_text(&entry));
        curl_easy_setopt(call->easy, CURLOPT_RESOLVE, list);
        call->resolve = list;
        http_call_begin(call);
    }

    uv_freeaddrinfo(addresses);
    free(lookup);
    http_dispatch(transport);
    http_handle_closed(transport);
}

void http_lookup_start(struct http_call *call)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct real_transport *transport = call->transport;
    struct http_lookup *lookup = xcalloc(1, sizeof *lookup);
    lookup->transport = transport;
    lookup->call = call;
    lookup->request.data = lookup;
    call->lookup = lookup;
    transport->handles++;

    int rc = uv_getaddrinfo(&transport->loop->uv, &lookup->request, on_resolved, transport->lookup_host, NULL,
                            &hints);
    if (rc == 0)
        return;
    transport->handles--;
    call->lookup = NULL;
    free(lookup);
    http_call_begin(call); /* libcurl then says what is wrong with the name */
}

void http_lookup_drop(struct http_call *call)
{
    if (!call->lookup)
        return;
    call->lookup->call = NULL;
    uv_cancel((uv_req_t *)&call->lookup->request);
    call->lookup = NULL;
}
