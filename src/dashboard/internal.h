/* What the files of this room share. */
#ifndef DASHBOARD_INTERNAL_H
#define DASHBOARD_INTERNAL_H

#include "dashboard/dashboard.h"

#include "base/json.h"
#include "control/control.h"
#include "control/documents.h"
#include "control/requests.h"
#include "loop/loop.h"
#include "state/state.h"
#include "supervisor/supervisor.h"
#include "web/web.h"

#include <uv.h>

enum { DASHBOARD_TICKETS = 32 };
#define DASHBOARD_TOKEN "dashboard.token"
#define DASHBOARD_LOG "dashboard.log"

struct dashboard;
struct page_feed;
struct page_question;
struct redis_action;
struct redis_watch;
struct stats;
struct telemetry;

/* Transitions, of this session and of the one before it; NULL: none is known. */
struct page_history {
    char *session;
    cJSON *items, *earlier;
    size_t count;
};

/* The way to the project's supervisor, whenever one runs. */
struct supervisor_link {
    struct dashboard *dashboard;
    struct control_connection *connection;
    bool is_up; /* it has answered hello */
    bool is_ending;
    struct answer_hello hello;
    struct arena arena; /* of its texts */
    int64_t session_ms; /* when the session began */
    cJSON *view;        /* as it was last told; NULL: not yet */
    int64_t rev;
    bool is_asking_view, is_view_old;
    bool has_records; /* it tells the records that change; one of an older version is asked for the view */
    struct page_question *askings;
    struct turn close;
    struct timer retry, refresh;
    uv_fs_event_t folder_watch;
    bool has_watch;
};

struct dashboard {
    struct loop loop;
    const struct dashboard_options *options;
    char *root, *prefix, *folder;
    struct identity identity;
    char token[WEB_TOKEN_SIZE];
    char epoch[17];
    int64_t started_ms;
    int lock_fd;
    struct web_server *web;
    struct supervisor_link link;
    struct page_history history;
    struct page_feed *feeds;
    struct redis_action *actions; /* under way */
    struct redis_watch *watches;  /* of servers that somebody looks at */
    struct stats *stats;          /* NULL: nobody has looked yet */
    struct telemetry *telemetry;

    int failures;                                  /* wrong tokens in a row */
    char taken[DASHBOARD_TICKETS][WEB_NONCE_SIZE]; /* tickets, and cookies that logged out: a ring */
    size_t taken_next;
};

/* ---- start.c ---- */
/* The name that a browser knows it by: no other server's cookies go there. The caller frees. */
char *dashboard_host(const char *folder);

/* ---- home.c: the files ---- */
char *home_path(const char *folder, const char *name);
/* The descriptor of the lock; -1 with ERROR_OWNER while somebody has it. */
int home_lock(const char *folder, struct error *err);
/* -1: it stands there, and is no file of ours. */
int home_check(const char *folder, const char *name, struct error *err);
int home_write_record(const struct dashboard *dashboard, struct error *err);
/* is_made: one is made where there is none. */
int home_token(const char *folder, bool is_made, char out[WEB_TOKEN_SIZE], struct error *err);
int64_t home_now_ms(void);

/* ---- link.c ---- */
void link_start(struct dashboard *dashboard);
void link_end(struct dashboard *dashboard);
const char *link_state_name(const struct supervisor_link *link);
cJSON *link_session_json(const struct supervisor_link *link);
/* The view as it is known, borrowed; NULL: there is no session. */
const cJSON *link_view(const struct dashboard *dashboard);
/* One of the view's resources by its name, or a replica's; NULL. */
const cJSON *link_resource(const struct dashboard *dashboard, const char *name);

/* ---- history.c ---- */
void page_history_begin(struct page_history *history, struct control_connection *connection,
                        const char *session);
/* Of a record of `watch` a transition is kept, as a copy. */
void page_history_note(struct page_history *history, const cJSON *record);
void page_history_end(struct page_history *history);

/* ---- ask.c: a question of the page's, passed on ---- */
struct page_question {
    struct dashboard *dashboard;
    struct web_request *request;
    int64_t id;
    /* Answers the request, and owns nothing of what it is given. An error comes here only when it takes them.
     */
    void (*answer)(struct page_question *asking, const struct error *error, const cJSON *result);
    bool takes_errors;
    char *text; /* the answerer's own */
    void *data; /* likewise; when it is not taken out by the answer, drop(data) ends it */
    loop_cb *drop;
    struct page_question *prev, *next;
};
/* Takes message and text. Without a session the request is answered at once. */
void ask_supervisor(struct web_request *request, struct dashboard *dashboard, enum ask ask, cJSON *message,
                    const struct page_question *how);
/* The session is gone; told to those who asked, unless nobody is left to hear it. */
void ask_end_all(struct dashboard *dashboard, bool is_told);

/* ---- answer.c ---- */
void answer_error(struct web_request *request, const struct error *error);
void answer_no_session(struct web_request *request, const struct dashboard *dashboard);
void answer_refusal(struct web_request *request, int status, const char *code, const char *text);
void answer_nothing(struct web_request *request, const char *cookie); /* 204 */

/* ---- login.c ---- */
/* Whether whoever asks has shown the token or has a cookie; else it was answered. */
bool login_check(struct dashboard *dashboard, struct web_request *request);
void login_take(struct dashboard *dashboard, struct web_request *request, const char *rest);
void login_leave(struct dashboard *dashboard, struct web_request *request, const char *rest);

/* ---- telemetry.c ---- */
void telemetry_start(struct dashboard *dashboard);
void telemetry_end(struct dashboard *dashboard);
int telemetry_port(const struct dashboard *dashboard); /* 0: none is taken */
cJSON *telemetry_json(const struct dashboard *dashboard);

/* ---- redis_action.c ---- */
void redis_actions_end(struct dashboard *dashboard);

/* ---- redis_watch.c: what servers that are looked at do at the moment ---- */
/* The names that somebody looks at now; all others are left alone. */
void redis_watch_only(struct dashboard *dashboard, const struct strlist *names);
/* So many commands are ours, and no traffic of the project's. */
void redis_watch_own(struct dashboard *dashboard, const char *name, int commands);
/* The session is gone, and with it whom was asked. */
void redis_watches_forget(struct dashboard *dashboard);
void redis_watches_end(struct dashboard *dashboard);

/* ---- route.c ---- */
void route_request(struct web_request *request, void *data);

/* ---- the answers, each of a path; rest: what follows its name ---- */
typedef void route_handler(struct dashboard *dashboard, struct web_request *request, const char *rest);
route_handler graph_answer, history_answer, stats_answer, session_answer, view_answer, resource_answer,
    logs_answer, feed_answer, redis_answer, traces_answer, telemetry_answer;
void page_answer(struct web_request *request);

/* ---- logs.c ---- */
/* Where the logs are: of the session, else of the last one. The caller frees. */
char *logs_folder(const struct dashboard *dashboard);
/* "a,b" of a query's parameter. */
void logs_names(const char *query, const char *parameter, struct strlist *names);
int64_t logs_since_ns(const char *query); /* 0: from the beginning */

/* ---- stats.c ---- */
/* Somebody looks at the figures, or nobody does any more. */
void stats_watch(struct dashboard *dashboard, bool is_watched);
/* Whom it asked is gone. */
void stats_forget_question(struct dashboard *dashboard);
void stats_end(struct dashboard *dashboard);

/* ---- feed.c: the stream ---- */
void feed_changes(struct dashboard *dashboard, const cJSON *changes);
void feed_stats(struct dashboard *dashboard, const cJSON *stats);
void feed_redis(struct dashboard *dashboard, const char *resource, const cJSON *point);
void feed_session(struct dashboard *dashboard);
void feed_view(struct dashboard *dashboard);
/* Takes nothing. */
void feed_transition(struct dashboard *dashboard, const cJSON *transition);
void feed_end_all(struct dashboard *dashboard);

#endif
