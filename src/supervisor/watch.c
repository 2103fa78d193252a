/* Who follows what happens: `watch`, and whatever reports while it works.
 *
 * Transitions go to everybody as they come. Records go to those who asked for them: each such watch knows
 * which revision its client has, and gets one message with all that changed since, once the client has read
 * the one before. So what waits for a slow reader is bounded, and nothing is lost. */
#include "supervisor/internal.h"
#include "control/watch.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"

#include <utlist.h>

static void send_whole(struct request *request)
{
    struct orchestrator *o = request->supervisor->orchestrator;
    cleanup_json cJSON *view = orchestrator_view(o);
    const struct view_changes news = {
        .id = request->id,
        .type = NEWS_VIEW,
        .rev = orchestrator_rev(o),
        .session = request->supervisor->session,
        .view = view,
    };
    request->rev = news.rev;
    control_send(request->client, view_changes_to_json(&news));
}

/* must: also when there are none, as an answer. */
static void send_changes(struct request *request, bool must)
{
    struct orchestrator *o = request->supervisor->orchestrator;
    struct arena arena = {0};
    struct view_changes news;
    bool is_known = orchestrator_changes(o, request->rev, &arena, &news);
    bool is_empty = !news.engine && !news.resource_count && !news.other_count && !news.gone_count;

    if (!is_known) {
        send_whole(request);
    } else if (must || !is_empty) {
        news.id = request->id;
        news.type = NEWS_CHANGES;
        control_send(request->client, view_changes_to_json(&news));
        request->rev = news.rev;
    }
    arena_free(&arena);
}

static bool wants_records(const struct request *request)
{
    return request->has_records && request->client;
}

void supervisor_settle_watches(struct supervisor *s)
{
    bool is_followed = false;
    const struct request *request;
    DL_FOREACH(s->requests, request)
    {
        is_followed = is_followed || wants_records(request);
    }
    if (s->orchestrator)
        orchestrator_follow(s->orchestrator, is_followed);
}

void supervisor_tell_changes(void *supervisor)
{
    struct supervisor *s = supervisor;
    struct request *request;
    DL_FOREACH(s->requests, request)
    {
        if (wants_records(request) && !control_client_is_behind(request->client))
            send_changes(request, false);
    }
}

static void begin_records(struct request *request, const struct ask_watch *ask)
{
    request->has_records = true;
    request->rev = ask->since;
    supervisor_settle_watches(request->supervisor);
    if (str_eq(ask->session, request->supervisor->session))
        send_changes(request, true);
    else
        send_whole(request);
}

void supervisor_watch(const struct call *call)
{
    struct arena arena = {0};
    const struct ask_watch *ask = supervisor_read(call, &ask_watch_record, &arena);
    if (ask) { /* lasts as long as its client or the session */
        struct request *request = supervisor_begin(call);
        if (ask->records)
            begin_records(request, ask);
    }
    arena_free(&arena);
}

void supervisor_tell_watchers(struct supervisor *s)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (request->verb->act != supervisor_watch)
            continue;
        if (wants_records(request))
            send_changes(request, false);
        control_send_done(request->client, request->id, NULL, NULL);
        supervisor_forget(request);
    }
    supervisor_settle_watches(s);
}

static void note(const struct transition *transition)
{
    const char *detail = NULL;
    if (*transition->detail)
        detail = transition->detail;
    if (!transition->total.value)
        log_info("%s: %s%s%s", transition->node, view_state_name(transition->state), text_if(detail, ": "),
                 text_or_empty(detail));
}

void supervisor_broadcast(const struct transition *transition, void *supervisor)
{
    struct supervisor *s = supervisor;
    struct transition news = *transition;
    struct request *request;
    note(transition);
    DL_FOREACH(s->requests, request)
    {
        if (!request->verb->reports || !request->client)
            continue;
        news.id = request->id;
        control_send(request->client, transition_to_json(&news));
    }
}
