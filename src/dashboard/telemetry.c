/* Where the project's programs send their telemetry: a port of its own, and what came in, which lasts as long
 * as this process does.
 *
 * OTLP over HTTP: POST /v1/traces, /v1/logs, /v1/metrics. The door is the page's (web/), with other bodies:
 * only this user's processes come in, names and origins are looked at, and no form of a browser's can send
 * such a body. Without this port the page does all else: that it cannot be had is no reason to end. */
#include "dashboard/telemetry.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BODIES_LIMIT = 64 << 20, CONNECTIONS = 128 };

struct telemetry {
    struct web_server *web;
    struct otlp_store *store;
    uint64_t exports, refused;
};

/* ---- an export ---- */

static void refuse(struct telemetry *telemetry, struct web_request *request, int status, const char *text)
{
    telemetry->refused++;
    log_debug("telemetry: %d %s", status, text);
    answer_refusal(request, status, "refused", text);
}

static void refuse_body(struct telemetry *telemetry, struct web_request *request, const struct error *why)
{
    int status = 500;
    if (why->code == ERROR_USAGE)
        status = 400;
    else if (why->code == ERROR_SPACE)
        status = 413;
    telemetry->refused++;
    log_warn("telemetry that was refused: %s", why->text);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "code", "refused");
    json_add_string(json, "message", why->text);
    web_reply_json(request, status, json);
}

static bool read_coding(const struct web_head *head, bool *is_packed)
{
    const char *coding = web_head_value(head, "content-encoding");
    *is_packed = coding && !strcmp(coding, "gzip");
    return !web_head_count(head, "content-encoding") || *is_packed || str_eq(coding, "identity");
}

static void answer_taken(struct web_request *request, bool is_json)
{
    struct web_reply reply = {.type = "application/x-protobuf", .fixed = ""};
    if (is_json)
        reply = (struct web_reply){.fixed = "{}", .length = 2};
    web_reply(request, &reply);
}

static void take(struct telemetry *telemetry, struct web_request *request, enum otlp_signal signal)
{
    const struct web_head *head = web_request_head(request);
    cleanup_error struct error why = {0};
    struct otlp_body body = {.signal = signal, .is_json = web_is_type(head, "application/json")};
    if (!read_coding(head, &body.is_packed)) {
        refuse(telemetry, request, 415, "the only coding that is taken here is gzip");
        return;
    }
    body.bytes = web_request_body(request, &body.length);
    if (otlp_take(telemetry->store, &body, &why)) {
        refuse_body(telemetry, request, &why);
        return;
    }
    telemetry->exports++;
    answer_taken(request, body.is_json);
}

static void on_request(struct web_request *request, void *data)
{
    static const char prefix[] = "/v1/";
    struct telemetry *telemetry = data;
    const struct web_head *head = web_request_head(request);
    for (int signal = 0; signal < OTLP_SIGNAL_COUNT && str_starts(head->path, prefix); signal++) {
        if (strcmp(head->path + strlen(prefix), otlp_signal_name(signal)))
            continue;
        if (strcmp(head->method, "POST"))
            refuse(telemetry, request, 405, "telemetry is sent with POST");
        else
            take(telemetry, request, signal);
        return;
    }
    refuse(telemetry, request, 404, "telemetry goes to /v1/traces, /v1/logs or /v1/metrics");
}

/* ---- the port ---- */

void telemetry_start(struct dashboard *dashboard)
{
    static const char *const types[] = {"application/x-protobuf", "application/json", NULL};
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    struct telemetry *telemetry = xcalloc(1, sizeof *telemetry);
    cleanup_error struct error why = {0};
    struct state_dashboard last;
    state_dashboard_read(dashboard->folder, &last);
    struct web_options web = {
        .loop = &dashboard->loop,
        .port = last.otlp_port,
        .policy = {.body_limit = OTLP_BODY_LIMIT, .bodies_limit = BODIES_LIMIT, .types = types},
        .connections = CONNECTIONS,
        .handler = on_request,
        .data = telemetry,
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        strlist_add(&web.policy.hosts, hosts[i]);

    dashboard->telemetry = telemetry;
    telemetry->store = otlp_store_new(NULL);
    telemetry->web = web_listen(&web, &why);
    if (!telemetry->web)
        log_warn("no telemetry is taken: %s", why.text);
}

void telemetry_end(struct dashboard *dashboard)
{
    struct telemetry *telemetry = dashboard->telemetry;
    if (!telemetry)
        return;
    if (telemetry->web)
        web_close(telemetry->web, NULL, NULL);
    otlp_store_free(telemetry->store);
    free(telemetry);
    dashboard->telemetry = NULL;
}

int telemetry_port(const struct dashboard *dashboard)
{
    if (!dashboard->telemetry || !dashboard->telemetry->web)
        return 0;
    return web_port(dashboard->telemetry->web);
}

const struct otlp_store *telemetry_store(const struct dashboard *dashboard)
{
    return dashboard->telemetry->store;
}

cJSON *telemetry_json(const struct dashboard *dashboard)
{
    const struct telemetry *telemetry = dashboard->telemetry;
    cJSON *json = cJSON_CreateObject();
    json_add_int(json, "port", telemetry_port(dashboard));
    json_add_int(json, "exports", (int64_t)telemetry->exports);
    json_add_int(json, "refused", (int64_t)telemetry->refused);
    for (int signal = 0; signal < OTLP_SIGNAL_COUNT; signal++) {
        struct otlp_counts counts = otlp_counts(telemetry->store, signal);
        cJSON *part = json_add_object(json, otlp_signal_name(signal));
        json_add_int(part, "received", (int64_t)counts.received);
        json_add_int(part, "dropped", (int64_t)counts.dropped);
        json_add_int(part, "kept", (int64_t)counts.kept);
        json_add_int(part, "bytes", (int64_t)counts.bytes);
    }
    return json;
}
