/* The end of a transport: once it is closing and the last of its handles is gone, it frees itself and says
 * so.
 */
#include "http/internal.h"

#include <stdlib.h>

void http_on_closed(void *data)
{
    struct real_transport *transport = data;
    loop_cb *tell = transport->on_closed;
    void *tell_data = transport->closed_data;
    free(transport->name);
    free(transport->unix_path);
    free(transport->url);
    free(transport->ca_file);
    free(transport->cert_file);
    free(transport->key_file);
    free(transport->lookup_host);
    free(transport);
    if (tell)
        tell(tell_data);
}

void http_check_closed(struct real_transport *transport)
{
    if (transport->closing && transport->handles == 0)
        loop_post(transport->loop, &transport->closed);
}

void http_handle_closed(struct real_transport *transport)
{
    transport->handles--;
    http_check_closed(transport);
}
