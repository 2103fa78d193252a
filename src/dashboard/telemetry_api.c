/* Telemetry, asked for: lists that sum up, and what was sent as OTLP/JSON. */
#include "dashboard/telemetry.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 10000 };

/* The texts that a filter borrows. */
struct asked_filter {
    struct otlp_filter filter;
    char *service, *text, *name;
};

static void read_filter(struct asked_filter *asked, struct web_request *request)
{
    const char *query = web_request_head(request)->query;
    int64_t limit = web_query_int(query, "limit", 0), since_ms = web_query_int(query, "since", 0);
    *asked = (struct asked_filter){
        .service = web_query_bytes(query, "r", NULL),
        .text = web_query_bytes(query, "q", NULL),
        .name = web_query_bytes(query, "name", NULL),
    };
    asked->filter = (struct otlp_filter){
        .service = asked->service,
        .text = asked->text,
        .name = asked->name,
        .least_ms = web_query_int(query, "least", 0),
        .severity = (int)web_query_int(query, "severity", 0),
        .is_error_only = web_query_flag(query, "errors"),
    };

    if (limit > 0 && limit <= MOST)
        asked->filter.limit = (size_t)limit;
    if (since_ms > 0)
        asked->filter.since_ns = (uint64_t)since_ms * 1000000;
}

static void filter_free(struct asked_filter *asked)
{
    free(asked->service);
    free(asked->text);
    free(asked->name);
}

static void answer_text(struct web_request *request, char *text, size_t length)
{
    if (text)
        web_reply(request, &(struct web_reply){.body = text, .length = length});
    else
        answer_refusal(request, 404, "no-trace", "no span of that trace is here (any more)");
}

static void answer_items(struct dashboard *dashboard, struct web_request *request, enum otlp_signal signal,
                         const struct otlp_filter *filter)
{
    size_t length = 0;
    char *text = otlp_items(telemetry_store(dashboard), signal, filter, &length);
    answer_text(request, text, length);
}

static void list_traces(struct dashboard *dashboard, struct web_request *request)
{
    struct asked_filter asked;
    read_filter(&asked, request);
    web_reply_json(request, 200, otlp_traces(telemetry_store(dashboard), &asked.filter));
    filter_free(&asked);
}

void traces_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    size_t length = 0;
    if (!*rest) {
        list_traces(dashboard, request);
        return;
    }
    char *text = otlp_trace(telemetry_store(dashboard), rest, &length);
    answer_text(request, text, length);
}

/* "logs", "metrics"; of metrics the names alone, unless one is named. */
void telemetry_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const struct otlp_store *store = telemetry_store(dashboard);
    struct asked_filter asked;
    read_filter(&asked, request);
    if (!*rest)
        web_reply_json(request, 200, telemetry_json(dashboard));
    else if (!strcmp(rest, "logs"))
        answer_items(dashboard, request, OTLP_LOGS, &asked.filter);
    else if (!strcmp(rest, "metrics") && asked.name)
        answer_items(dashboard, request, OTLP_METRICS, &asked.filter);
    else if (!strcmp(rest, "metrics"))
        web_reply_json(request, 200, otlp_metric_names(store, &asked.filter));
    else
        answer_refusal(request, 404, "no-path", "there is nothing of that name");
    filter_free(&asked);
}
