/* The way to the project's supervisor. It comes and goes; this process stays.
 *
 * Without a session the state folder is watched: a session's record appears there. Whoever answers hello is
 * watched from then on (verb `watch`), and the view is asked for once, and again when something has changed.
 */
#include "dashboard/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"

enum { RETRY_MS = 50, SLOW_RETRY_MS = 5000, REFRESH_MS = 40 };

static void on_answer_lost(struct supervisor_link *link);

/* ---- the view ---- */

static void ask_view(struct supervisor_link *link);

static void on_view(const struct error *error, const cJSON *result, void *data)
{
    struct supervisor_link *link = data;
    link->is_asking_view = false;
    if (error || !result || link->has_records)
        return;
    cJSON_Delete(link->view);
    link->view = cJSON_Duplicate(result, 1);
    link->rev++;
    feed_view(link->dashboard);
    if (link->is_view_old)
        timer_start(&link->refresh, REFRESH_MS);
}

static void ask_view(struct supervisor_link *link)
{
    struct control_request_handlers handlers = {.on_done = on_view, .data = link};
    link->is_view_old = false;
    link->is_asking_view = true;
    control_request(link->connection, ask_name(ASK_VIEW), NULL, &handlers);
}

static void on_refresh(void *data)
{
    struct supervisor_link *link = data;
    if (link->connection && !link->is_asking_view)
        ask_view(link);
}

static void view_changed(struct supervisor_link *link)
{
    link->is_view_old = true;
    if (!link->is_asking_view && !timer_is_armed(&link->refresh))
        timer_start(&link->refresh, REFRESH_MS);
}

/* ---- coming and going ---- */

static void forget_hello(struct supervisor_link *link)
{
    arena_free(&link->arena);
    link->hello = (struct answer_hello){0};
}

static void try_again(struct supervisor_link *link, int64_t ms)
{
    timer_start(&link->retry, ms);
}

static void on_close(void *data)
{
    struct supervisor_link *link = data;
    if (link->connection)
        control_close(take_ptr(&link->connection));
    if (link->is_up)
        log_info("the session is over");
    ask_end_all(link->dashboard, true);
    stats_forget_question(link->dashboard);
    redis_watches_forget(link->dashboard);
    link->is_up = link->is_ending = link->is_asking_view = link->is_view_old = link->has_records = false;
    timer_stop(&link->refresh);
    forget_hello(link);
    cJSON_Delete(take_ptr(&link->view));
    feed_session(link->dashboard);
    try_again(link, RETRY_MS);
}

/* The connection is closed in a turn of its own: whoever notices may be in one of its callbacks. */
static void on_answer_lost(struct supervisor_link *link)
{
    loop_post(&link->dashboard->loop, &link->close);
}

/* The whole, or what became of some: from then on the supervisor tells by itself, and nothing is asked. */
static void on_news(struct supervisor_link *link, const cJSON *record)
{
    link->has_records = true;
    timer_stop(&link->refresh);
    document_take(&link->view, &link->rev, record);
    if (document_news(record) == NEWS_VIEW)
        feed_view(link->dashboard);
    else if (link->view)
        feed_changes(link->dashboard, record);
}

static void on_record(const cJSON *record, void *data)
{
    struct supervisor_link *link = data;
    enum view_news news = document_news(record);
    page_history_note(&link->dashboard->history, record);
    if (news == NEWS_TRANSITION)
        feed_transition(link->dashboard, record);
    if (news == NEWS_VIEW || news == NEWS_CHANGES)
        on_news(link, record);
    else if (!link->has_records)
        view_changed(link);
}

static void on_watch_over(const struct error *error, const cJSON *result, void *data)
{
    (void)error, (void)result;
    on_answer_lost(data);
}

static void on_hello(const struct error *error, const cJSON *result, void *data)
{
    struct supervisor_link *link = data;
    struct control_request_handlers watch = {.on_record = on_record, .on_done = on_watch_over, .data = link};
    const struct ask_watch ask = {.records = true};
    forget_hello(link);
    if (error || record_take(&answer_hello_record, result, &link->arena, &link->hello, "", NULL)) {
        on_answer_lost(link);
        return;
    }
    link->is_up = true;
    link->is_ending = link->hello.is_ending;
    log_info("session %s", text_or(link->hello.session, "?"));
    control_request(link->connection, ask_name(ASK_WATCH), record_to_json(&ask_watch_record, &ask), &watch);
    page_history_begin(&link->dashboard->history, link->connection, text_or_empty(link->hello.session));
    feed_session(link->dashboard);
    ask_view(link);
}

static void say_hello(struct supervisor_link *link)
{
    const struct ask_hello ask = {.protocol = 1, .version = APPHOST_VERSION};
    struct control_request_handlers handlers = {.on_done = on_hello, .data = link};
    control_request(link->connection, ask_name(ASK_HELLO), record_to_json(&ask_hello_record, &ask),
                    &handlers);
}

static void connect_now(void *data)
{
    struct supervisor_link *link = data;
    struct dashboard *dashboard = link->dashboard;
    struct state_session session = {0};
    if (link->connection)
        return;
    if (!supervisor_find(dashboard->root, dashboard->prefix, &session, NULL)) {
        link->session_ms = session.started_ns / 1000000;
        link->connection = supervisor_connect(&dashboard->loop, &session, NULL);
    }
    state_session_free(&session);
    if (link->connection)
        say_hello(link);
    else
        try_again(link, SLOW_RETRY_MS);
}

/* Something was written in the state folder, among it perhaps a session's record. */
static void on_folder(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct supervisor_link *link = watch->data;
    (void)events, (void)status;
    if (!link->connection && (!name || str_starts(name, "session")))
        try_again(link, RETRY_MS);
}

void link_start(struct dashboard *dashboard)
{
    struct supervisor_link *link = &dashboard->link;
    link->dashboard = dashboard;
    turn_init(&link->close, on_close, link);
    timer_init(&dashboard->loop, &link->retry, connect_now, link);
    timer_init(&dashboard->loop, &link->refresh, on_refresh, link);
    link->has_watch = !uv_fs_event_init(&dashboard->loop.uv, &link->folder_watch);
    link->folder_watch.data = link;
    if (link->has_watch)
        uv_fs_event_start(&link->folder_watch, on_folder, dashboard->folder, 0);
    try_again(link, 0);
}

void link_end(struct dashboard *dashboard)
{
    struct supervisor_link *link = &dashboard->link;
    if (!link->dashboard)
        return;
    timer_stop(&link->retry);
    timer_stop(&link->refresh);
    loop_unpost(&dashboard->loop, &link->close);
    if (link->has_watch)
        uv_close((uv_handle_t *)&link->folder_watch, NULL);
    if (link->connection)
        control_close(take_ptr(&link->connection));
    ask_end_all(dashboard, false);
    forget_hello(link);
    cJSON_Delete(link->view);
}

/* ---- what is known ---- */

const char *link_state_name(const struct supervisor_link *link)
{
    if (!link->is_up)
        return "no-session";
    if (link->is_ending)
        return "ending";
    return "running";
}

cJSON *link_session_json(const struct supervisor_link *link)
{
    const struct answer_hello *hello = &link->hello;
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "id", hello->session);
    json_add_string(json, "version", hello->version);
    json_add_string(json, "logs", hello->logs);
    json_add_int(json, "pid", hello->pid);
    json_add_int(json, "owner", hello->owner);
    json_add_bool(json, "detached", hello->is_detached);
    json_add_int(json, "startedMs", link->session_ms);
    return json;
}

const cJSON *link_view(const struct dashboard *dashboard)
{
    return dashboard->link.view;
}

const cJSON *link_resource(const struct dashboard *dashboard, const char *name)
{
    return document_resource(dashboard->link.view, name);
}
