/* How a node's server is reached: where its port is, with which password, over which transport. */
#include "orchestrator/internal.h"

#include "redis_conn/redis_conn.h"

#include <string.h>

struct redis_conn_options server_access(struct node *node, char **password)
{
    const struct plan_probe *probe = &node->spec->run.ready;
    const struct plan_port *port = &node->spec->run.ports[0];
    *password = values_resolve_given(node->o, &probe->password);
    return (struct redis_conn_options){
        .host = place_of_port(node->o, port),
        .port = port_of(node, port->endpoint),
        .password = *password,
        .tls = probe->tls,
        .ca_file = probe->ca_file,
        .tls_name = text_or(probe->tls_name, place_of_port(node->o, port)),
        .data = node,
    };
}

void server_forget(char *password)
{
    if (password)
        mem_wipe(password, strlen(password));
    free(password);
}

struct redis_conn *server_open(struct node *whom,
                               void (*on_lost)(const struct error *err, bool final, void *data), void *data)
{
    char *password;
    struct redis_conn_options server = server_access(whom, &password);
    server.on_closed = on_lost;
    server.data = data;
    struct redis_conn *conn = redis_conn_open(whom->o->services.loop, &server);
    server_forget(password);
    return conn;
}
