/* The server as a whole: start and end. See web.h. */
#include "web/internal.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CONNECTIONS = 200 };

struct web_server *web_listen(struct web_options *options, struct error *err)
{
    struct web_server *server = xcalloc(1, sizeof *server);
    *server = (struct web_server){
        .loop = options->loop,
        .policy = options->policy,
        .handler = options->handler,
        .data = options->data,
        .limit = options->connections,
    };
    if (!server->limit)
        server->limit = CONNECTIONS;

    options->policy = (struct web_policy){0};
    if (!web_daemon_start(server, err) &&
        !web_accept_start(server, options->port, options->is_port_must, err))
        return server;
    web_close(server, NULL, NULL);
    return NULL;
}

int web_port(const struct web_server *server)
{
    return server->port;
}

void web_close(struct web_server *server, loop_cb *closed, void *data)
{
    struct web_request *next;
    server->is_closing = true;
    server->closed = closed;
    server->closed_data = data;
    web_accept_stop(server);
    web_daemon_stop(server);
    for (struct web_request *request = server->requests; request; request = next) {
        next = request->next;
        web_request_end(request);
    }
    web_server_check_closed(server);
}
