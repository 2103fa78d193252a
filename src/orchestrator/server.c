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
