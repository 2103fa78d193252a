/* /api/v1/redis/NAME/…: which question is answered by whom. */
#include "dashboard/redis_job.h"

#include "base/mem.h"

#include <string.h>

static const struct {
    const char *method, *name;
    redis_step *begin;
} questions[] = {
    {"GET", "info", redis_info},
    {"GET", "slowlog", redis_slowlog},
    {"GET", "clients", redis_clients},
    {"GET", "commandstats", redis_commandstats},
    {"GET", "latency", redis_latency},
    {"GET", "keys", redis_keys},
    {"GET", "key", redis_key},
    {"DELETE", "key", redis_key_delete},
    {"POST", "command", redis_command_run},
};

static redis_step *find_question(const char *method, const char *name)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (!strcmp(questions[i].method, method) && !strcmp(questions[i].name, name))
            return questions[i].begin;
    return NULL;
}

void redis_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    size_t length = strcspn(rest, "/");
    cleanup_free char *name = web_path_piece(rest, length);
    const char *what = rest + length + (rest[length] == '/');
    redis_step *begin = find_question(web_request_head(request)->method, what);
    if (!link_view(dashboard))
        answer_no_session(request, dashboard);
    else if (!name || !link_resource(dashboard, name))
        answer_refusal(request, 404, "no-resource", "the project has no resource of that name");
    else if (begin)
        redis_job_start(dashboard, request, name, begin);
    else if (!redis_action_start(dashboard, request, name, what))
        answer_refusal(request, 404, "no-path", "there is nothing of that name");
}
