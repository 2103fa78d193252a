/*
 * The health check of a client: a PING to every configured endpoint, each over a connection of its own, and
 * in a cluster the word that the cluster is fine. Own connections tell the truth about a server whatever the
 * shared one is doing.
 */
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_conn/dial.h"
#include "client/host.h"

#include <stdio.h>
#include <string.h>

enum { CHECK_MS = 4500 };

/* True when there is nothing to complain about. A server without cluster support answers with an error: fine.
 */
static bool check_cluster(struct dialed *dialed, const struct attempt *attempt, const char *endpoint,
                          char *text, size_t size)
{
    static const char *const words[] = {"CLUSTER", "INFO", NULL};
    struct resp_reply *reply = NULL;
    bool is_fine = true;

    if (dial_ask(dialed, attempt, words, &reply, NULL) < 0) {
        snprintf(text, size, "INFO CLUSTER is null or can't be read for endpoint %s", endpoint);
        return false;
    }
    if (reply->str && reply->type != RESP_ERROR && !strstr(reply->str, "cluster_state:ok")) {
        snprintf(text, size, "INFO CLUSTER is not on OK state for endpoint %s", endpoint);
        is_fine = false;
    }
    resp_reply_free(reply);
    return is_fine;
}

static bool check_endpoint(const struct attempt *attempt, size_t index, char *text, size_t size)
{
    struct apphost_error error = {0};
    struct dialed dialed;

    /* The handshake ends with a PING. */
    if (dial_endpoint(attempt, index, &dialed, &error) < 0) {
        bool is_late = error.code == APPHOST_E_TIMEOUT;

        snprintf(text, size, "%s%s", pick(is_late, "Healthcheck timed out: ", ""), error.text);
        return false;
    }
    bool is_fine = check_cluster(&dialed, attempt, attempt->options->endpoints[index].text, text, size);
    dial_close(&dialed);
    return is_fine;
}

enum apphost_health_status health_check_redis(void *user, char *description, size_t size)
{
    struct apphost_error error = {0};
    const struct apphost_options *options = apphost_redis_options(user, &error);
    const atomic_bool is_cancelled = false;

    if (!options) {
        snprintf(description, size, "%s", error.text);
        return APPHOST_UNHEALTHY;
    }
    int64_t deadline = clock_ms() + CHECK_MS;
    for (size_t i = 0; i < options->endpoint_count; i++) {
        const struct attempt attempt = {options, deadline, &is_cancelled};

        if (!check_endpoint(&attempt, i, description, size))
            return APPHOST_UNHEALTHY;
    }
    return APPHOST_HEALTHY;
}
