/* Redirections of a cluster: a node that has not what it is asked for says who has, and the link goes there.
 *
 * Failures: an address that cannot be read, or that nobody knows ("?"), is no redirection but the server's
 * error; who is there but does not answer is an error of the connection. See redis_link.h. */
#include "console/redis_link.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PORT = 65535 };

/* "HOST:PORT"; no host: the one who says so, at another port. */
static bool read_address(struct redis_link *link, const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || *text == '?' || !str_to_int64(colon + 1, 1, MOST_PORT, &port))
        return false;

    free(link->elsewhere.host);
    if (colon == text)
        link->elsewhere.host = xstrdup(link->server.host);
    else
        link->elsewhere.host = xstrndup(text, (size_t)(colon - text));
    link->elsewhere.port = (int)port;
    return true;
}

bool redis_link_is_sent_on(struct redis_link *link, const struct resp_reply *reply)
{
    if (!reply->str || !link->is_cluster || str_eq(link->asked, link->resource))
        return false;
    link->elsewhere.is_asked = str_starts(reply->str, "ASK ");
    if (!link->elsewhere.is_asked && !str_starts(reply->str, "MOVED "))
        return false;
    return read_address(link, strrchr(reply->str, ' ') + 1);
}

int redis_link_follow(struct redis_link *link, struct error *err)
{
    static const char *const asking[] = {"ASKING", NULL};
    redis_link_close(link);
    free((char *)link->server.host);
    link->server.host = take_ptr(&link->elsewhere.host);
    link->server.port = link->elsewhere.port;
    if (redis_link_open(link, err))
        return -1;
    link->was_sent_on = true;
    if (!link->elsewhere.is_asked)
        return 0;
    return redis_conn_words(link->conn, asking, NULL, NULL, err);
}
