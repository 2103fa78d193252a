/* Which path is answered by whom. */
#include "dashboard/internal.h"

#include "base/mem.h"

#include <string.h>

#define API "/api/v1/"

struct route {
    const char *method;
    const char *name;   /* behind API */
    bool has_rest;      /* more follows, behind a slash */
    bool is_for_anyone; /* needs no token */
    route_handler *answer;
};

static const struct route routes[] = {
    {"POST", "login", false, true, login_take},           {"POST", "logout", false, false, login_leave},
    {"GET", "session", false, false, session_answer},     {"GET", "view", false, false, view_answer},
    {"GET", "graph", false, false, graph_answer},         {"GET", "history", false, false, history_answer},
    {"GET", "stats", false, false, stats_answer},         {"GET", "events", false, false, feed_answer},
    {"GET", "logs", false, false, logs_answer},           {"GET", "resources", true, false, resource_answer},
    {"POST", "resources", true, false, resource_answer},  {"GET", "redis", true, false, redis_answer},
    {"POST", "redis", true, false, redis_answer},         {"DELETE", "redis", true, false, redis_answer},
    {"GET", "traces", false, false, traces_answer},       {"GET", "traces", true, false, traces_answer},
    {"GET", "telemetry", false, false, telemetry_answer}, {"GET", "telemetry", true, false, telemetry_answer},
};

/* HEAD is asked as GET is. */
static bool is_method(const struct route *route, const char *method)
{
    return !strcmp(route->method, method) || (!strcmp(route->method, "GET") && !strcmp(method, "HEAD"));
}

/* What follows the route's name, or NULL: it is another's path. */
static const char *rest_of(const struct route *route, const char *path)
{
    size_t length = strlen(route->name);
    if (strncmp(path, route->name, length))
        return NULL;
    if (!path[length] && !route->has_rest)
        return path + length;
    if (path[length] == '/' && route->has_rest)
        return path + length + 1;
    return NULL;
}

static void answer_api(struct dashboard *dashboard, struct web_request *request, const char *path)
{
    const char *method = web_request_head(request)->method;
    const struct route *found = NULL;
    const char *rest = NULL;
    bool is_known = false;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && !found; i++) {
        rest = rest_of(&routes[i], path);
        is_known = is_known || rest;
        if (rest && is_method(&routes[i], method))
            found = &routes[i];
    }

    if (!(found && found->is_for_anyone) && !login_check(dashboard, request))
        return;
    if (found)
        found->answer(dashboard, request, rest);
    else if (is_known)
        answer_refusal(request, 405, "no-method", "that is asked with another method");
    else
        answer_refusal(request, 404, "no-path", "there is nothing of that name");
}

void route_request(struct web_request *request, void *data)
{
    const struct web_head *head = web_request_head(request);
    const char *path = head->path;
    if (str_starts(path, API))
        answer_api(data, request, path + strlen(API));
    else if (!strcmp(path, "/healthz") && !web_is_change(head))
        web_reply(request, &(struct web_reply){.type = "text/plain", .fixed = "ok\n", .length = 3});
    else
        page_answer(request);
}
