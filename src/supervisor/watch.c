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

/* Less than any revision: the whole is wanted. */
enum { NOTHING = -1 };

static void send_whole(struct verb_request *request)
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
static void send_changes(struct verb_request *request, bool must)
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

static struct view_moments moments_of(const struct supervisor *s)
{
    return (struct view_moments){
        .type = NEWS_MOMENTS,
        .rev = orchestrator_rev(s->orchestrator),
        .session = s->session,
        .from = history_from(s->history),
    };
}

static void send_moments(struct verb_request *request, bool must)
{
    struct supervisor *s = request->supervisor;
    struct view_moments news = moments_of(s);
    cleanup_json cJSON *items = history_since(s->history, request->moment_rev);
    if (!items->child && !must)
        return;
    news.id = request->id;
    news.items = items;
    request->moment_rev = news.rev;
    control_send(request->client, view_moments_to_json(&news));
}

static void send_news(struct verb_request *request, bool must)
{
    if (request->has_records)
        send_changes(request, must);
    if (request->has_moments)
        send_moments(request, must);
}

static bool wants_news(const struct verb_request *request)
{
    return (request->has_records || request->has_moments) && request->client;
}

void supervisor_settle_watches(struct supervisor *s)
{
    bool is_followed = false;
    const struct verb_request *request;
    DL_FOREACH(s->requests, request)
    {
        is_followed = is_followed || wants_news(request);
    }
    if (s->orchestrator)
        orchestrator_follow(s->orchestrator, is_followed);
}

void supervisor_tell_changes(void *supervisor)
{
    struct supervisor *s = supervisor;
    struct verb_request *request;
    DL_FOREACH(s->requests, request)
    {
        if (wants_news(request) && !control_client_is_behind(request->client))
            send_news(request, false);
    }
}

static void begin_news(struct verb_request *request, const struct ask_watch *ask)
{
    bool goes_on = str_eq(ask->session, request->supervisor->session);
    request->has_records = ask->records;
    request->has_moments = ask->moments;
    request->rev = NOTHING;
    if (goes_on)
        request->rev = request->moment_rev = ask->since;
    supervisor_settle_watches(request->supervisor);
    send_news(request, true);
}

void supervisor_watch(const struct call *call)
{
    struct arena arena = {0};
    const struct ask_watch *ask = supervisor_read(call, &ask_watch_record, &arena);
    if (ask) { /* lasts as long as its client or the session */
        struct verb_request *request = supervisor_begin(call);
        if (ask->records || ask->moments)
            begin_news(request, ask);
    }
    arena_free(&arena);
}

void supervisor_tell_watchers(struct supervisor *s)
{
    struct verb_request *request, *next;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (request->verb->act != supervisor_watch)
            continue;
        if (wants_news(request))
            send_news(request, false);
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

/* But how far a pull is: that would push everything else out. */
static void remember(struct supervisor *s, const struct transition *transition)
{
    struct transition past = *transition;
    if (past.total.value)
        return;
    if (!*past.goal)
        past.goal = NULL;
    if (!*past.detail)
        past.detail = NULL;
    history_add(s->history, past.rev, transition_to_json(&past));
}

void supervisor_note_moment(const struct view_moment *moment, void *supervisor)
{
    struct supervisor *s = supervisor;
    history_add(s->history, moment->rev, moment_to_json(moment));
}

void supervisor_tell_history(const struct call *call)
{
    struct supervisor *s = call->s;
    struct arena arena = {0};
    const struct ask_watch *ask = supervisor_read(call, &ask_watch_record, &arena);
    if (ask) {
        struct view_moments news = moments_of(s);
        bool goes_on = !ask->session || str_eq(ask->session, s->session);
        cleanup_json cJSON *items = history_since(s->history, goes_on ? ask->since : 0);
        news.items = items;
        control_send_done(call->client, call->id, NULL, view_moments_to_json(&news));
    }
    arena_free(&arena);
}

void supervisor_broadcast(const struct transition *transition, void *supervisor)
{
    struct supervisor *s = supervisor;
    struct transition news = *transition;
    struct verb_request *request;

    note(transition);
    remember(s, transition);
    DL_FOREACH(s->requests, request)
    {
        if (!request->verb->reports || !request->client || request->has_moments)
            continue;
        news.id = request->id;
        control_send(request->client, transition_to_json(&news));
    }
}
