/* Choosing among endpoints and sentinels. See dial.h for the rules. */
#include "client_conn/dial.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_conn/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTINEL_PAUSE_MS = 100 };

void dial_close(struct dialed *dialed)
{
    transport_close(&dialed->transport);
    resp_reader_free(dialed->reader);
    dialed->reader = NULL;
}

static int open_one(const struct attempt *attempt, const struct endpoint *endpoint, int port,
                    const struct handshake *handshake, struct dialed *out, struct apphost_error *error)
{
    const struct resp_limits limits = {.bulk = (size_t)option_number(attempt->options, OPT_REPLY_LIMIT)};

    *out = (struct dialed){.transport = {.fd = -1}, .port = port, .protocol = 2};
    snprintf(out->address, sizeof(out->address), "%.120s", endpoint->host);
    out->reader = resp_reader_new(&limits);
    if (!out->reader)
        return fail_memory(error);
    if (transport_open(&out->transport, attempt, endpoint, port, error) == 0 &&
        handshake_run(out, attempt, handshake, error) == 0)
        return 0;
    dial_close(out);
    return -1;
}

/* With several endpoints one that hangs must not eat the time of the others. */
static struct attempt share(const struct attempt *attempt, size_t tries)
{
    struct attempt part = *attempt;
    int64_t now = clock_ms();

    part.deadline_ms = now + (attempt->deadline_ms - now) / set_or((int64_t)tries, 1);
    return part;
}

static int dial_listed(const struct attempt *attempt, enum dial_role role, const char *suffix,
                       struct dialed *out, struct apphost_error *error)
{
    const struct apphost_options *options = attempt->options;
    size_t count = options->endpoint_count;
    const struct handshake handshake = {suffix, count > 1 || role == DIAL_REPLICA, false,
                                        role == DIAL_REPLICA};
    struct dialed spare = {.transport = {.fd = -1}};

    for (size_t i = 0; i < count; i++) {
        struct attempt part = share(attempt, count - i);
        int port = apphost_options_endpoint_port(options, i);

        if (open_one(&part, &options->endpoints[i], port, &handshake, out, error) < 0)
            continue;
        if (!handshake.wants_role || out->is_replica == (role == DIAL_REPLICA)) {
            dial_close(&spare);
            return 0;
        }
        if (spare.transport.fd >= 0)
            dial_close(out);
        else
            spare = *out;
    }
    if (spare.transport.fd < 0)
        return -1;
    if (role == DIAL_REPLICA) {
        dial_close(&spare);
        return fail_set(error, APPHOST_E_CONNECT, "endpoint", "none of the endpoints is a replica");
    }
    *out = spare;
    return 0;
}

/* ---- Sentinel ---- */

int dial_ask(struct dialed *dialed, const struct attempt *attempt, const char *const words[],
             struct resp_reply **reply, struct apphost_error *error)
{
    struct resp_buffer buffer = {.limit = 64 * 1024};
    int rc = resp_append_words(&buffer, words);

    if (rc < 0)
        fail_memory(error);
    else
        rc = transport_send_all(&dialed->transport, attempt, buffer.data, buffer.len, error);
    resp_buffer_fini(&buffer);
    if (rc < 0)
        return -1;
    return handshake_read(dialed, attempt, reply, error);
}

static int make_endpoint(const struct resp_reply *host, const struct resp_reply *port, struct endpoint *out)
{
    char text[300];

    if (host->type != RESP_STRING || port->type != RESP_STRING || host->len > 255)
        return -1;
    if (strchr(host->str, ':'))
        snprintf(text, sizeof(text), "[%s]:%.8s", host->str, port->str);
    else
        snprintf(text, sizeof(text), "%s:%.8s", host->str, port->str);
    if (endpoint_parse(text, out, NULL) > 0)
        return 0;
    return -1;
}

/* The value of a field in a flat array of names and values, or NULL. */
static const struct resp_reply *find_field(const struct resp_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2)
        if (resp_reply_is(&fields->elements[i], name))
            return &fields->elements[i + 1];
    return NULL;
}

static int pick_replica(const struct resp_reply *list, struct endpoint *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct resp_reply *flags = find_field(&list->elements[i], "flags");
        const struct resp_reply *host = find_field(&list->elements[i], "ip");
        const struct resp_reply *port = find_field(&list->elements[i], "port");
        bool is_down =
            flags && flags->str && (strstr(flags->str, "down") || strstr(flags->str, "disconnected"));

        if (!is_down && host && port && make_endpoint(host, port, out) == 0)
            return 0;
    }
    return -1;
}

static int fail_sentinel(const struct dialed *sentinel, bool is_primary, const char *service,
                         const struct resp_reply *reply, struct apphost_error *error)
{
    const char *what = pick(is_primary, "primary", "replica"), *before = "", *why = "";

    if (reply->type == RESP_ERROR) {
        before = ": ";
        why = reply->str;
    }
    return fail_set(error, APPHOST_E_CONNECT, "serviceName",
                    "Sentinel: %s knows no %s for service: %.100s%s%.100s", sentinel->address, what, service,
                    before, why);
}

static int ask_sentinel(struct dialed *sentinel, const struct attempt *attempt, enum dial_role role,
                        struct endpoint *out, struct apphost_error *error)
{
    const char *service = option_text(attempt->options, OPT_SERVICE_NAME);
    const char *question = pick(role == DIAL_PRIMARY, "get-master-addr-by-name", "slaves");
    const char *const words[] = {"SENTINEL", question, service, NULL};
    struct resp_reply *reply = NULL;
    int rc = -1;

    if (dial_ask(sentinel, attempt, words, &reply, error) < 0)
        return -1;
    if (role == DIAL_PRIMARY && reply->type == RESP_ARRAY && reply->count == 2)
        rc = make_endpoint(&reply->elements[0], &reply->elements[1], out);
    else if (role == DIAL_REPLICA && reply->type == RESP_ARRAY)
        rc = pick_replica(reply, out);
    if (rc < 0)
        fail_sentinel(sentinel, role == DIAL_PRIMARY, service, reply, error);
    resp_reply_free(reply);
    return rc;
}

static int resolve_service(const struct attempt *attempt, enum dial_role role, struct endpoint *out,
                           struct apphost_error *error)
{
    static const struct handshake handshake = {"", false, true, false};
    const struct apphost_options *options = attempt->options;

    for (size_t i = 0; i < options->endpoint_count; i++) {
        struct attempt part = share(attempt, options->endpoint_count - i + 1);
        struct dialed sentinel;
        int port = apphost_options_endpoint_port(options, i);

        if (open_one(&part, &options->endpoints[i], port, &handshake, &sentinel, error) < 0)
            continue;
        int rc = ask_sentinel(&sentinel, &part, role, out, error);
        dial_close(&sentinel);
        if (rc == 0)
            return 0;
    }
    return -1;
}

/* A sentinel may name the old primary for a while after a failover: its role is checked, and the question
 * repeated. */
static int dial_service(const struct attempt *attempt, enum dial_role role, const char *suffix,
                        struct dialed *out, struct apphost_error *error)
{
    const struct handshake handshake = {suffix, true, false, role == DIAL_REPLICA};
    struct endpoint endpoint;

    do {
        if (resolve_service(attempt, role, &endpoint, error) < 0)
            return -1;
        int port = (int)set_or(endpoint.port, 6379);
        int rc = open_one(attempt, &endpoint, port, &handshake, out, error);
        endpoint_fini(&endpoint);
        if (rc == 0 && (role == DIAL_REPLICA || !out->is_replica))
            return 0;
        if (rc == 0) {
            dial_close(out);
            fail_set(error, APPHOST_E_CONNECT, "serviceName",
                     "Sentinel: Failed connecting to configured primary for service: %.100s",
                     option_text(attempt->options, OPT_SERVICE_NAME));
        }
        struct transport nothing = {.fd = -1};
        transport_wait(&nothing, 0, SENTINEL_PAUSE_MS);
    } while (clock_left(attempt->deadline_ms) > 0 && !atomic_load(attempt->is_cancelled));
    return -1;
}

int dial(const struct attempt *attempt, enum dial_role role, const char *library_suffix, struct dialed *out,
         struct apphost_error *error)
{
    if (attempt->options->endpoint_count == 0)
        return fail_set(error, APPHOST_E_CONFIG, "config", "No endpoints specified");
    if (option_text(attempt->options, OPT_SERVICE_NAME))
        return dial_service(attempt, role, library_suffix, out, error);
    return dial_listed(attempt, role, library_suffix, out, error);
}

int dial_endpoint(const struct attempt *attempt, size_t index, struct dialed *out,
                  struct apphost_error *error)
{
    const struct handshake handshake = {"", false, option_text(attempt->options, OPT_SERVICE_NAME) != NULL,
                                        false};
    int port = apphost_options_endpoint_port(attempt->options, index);

    return open_one(attempt, &attempt->options->endpoints[index], port, &handshake, out, error);
}
