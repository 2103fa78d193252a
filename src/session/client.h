/* The command's end of the conversation with the project's supervisor.
 *
 * client_open() connects to the supervisor, or starts one (guard first) where none runs. Requests are written
 * as if they blocked: client_call() waits until the answer is there; records on the way go to a callback. A
 * command that does more than one thing at a time starts calls with client_begin() and waits with await().
 * client_open_alone() has a loop and signals only: for those who talk to somebody else.
 *
 * Signals: after client_watch_signals() the first interruption only sets `interrupts`, which ends the wait
 * under way (and calls on_interrupt, where somebody passes it on); the third one leaves the process at once
 * (the supervisor finishes the work). What arrives twice in the same moment is one: timeout(1) signals its
 * child, then its whole group. The terminal's hangup is an interruption by HUP, also in the background.
 *
 * Ownership: everything is the client's; client_close() says `bye` when a lease should be given back. */
#ifndef SESSION_CLIENT_H
#define SESSION_CLIENT_H

#include "base/error.h"
#include "base/json.h"
#include "session/audience.h"
#include "session/cleaning.h"
#include "session/hangup.h"
#include "control/control.h"
#include "control/requests.h"
#include "control/view.h"
#include "loop/loop.h"
#include "state/state.h"
#include "supervisor/supervisor.h"

struct client {
    struct loop loop;
    bool has_loop;
    struct control_connection *connection;
    struct state_session session; /* the supervisor's record */
    pid_t supervisor;             /* the last one that was found, also after it went */
    char *project, *folder;       /* what it is the supervisor of, and where that keeps its state */
    bool is_nudged;               /* it was asked by a signal to look after its socket */
    int64_t recall_end_ms; /* until when one whose folder was taken away is waited for; 0: nobody was asked */
    char *logs_folder;
    int lease_fd;      /* -1: none */
    bool is_fresh;     /* this command started the supervisor */
    bool ends_by_down; /* ours has nothing to do but a down: it ends with it, whatever becomes of that */
    int64_t owner;     /* pid of the command that holds the session; 0: detached */
    bool is_detached;
    bool is_ending;               /* a down is under way */
    bool is_silent;               /* it did not answer while a request was under way (session/pulse.h) */
    int64_t beat_ms;              /* how often it is asked meanwhile; 0: 10 s */
    int interrupts, signum;       /* how many, the last one */
    int64_t interrupted_ms;       /* when that was */
    loop_signal_cb *on_interrupt; /* or NULL: told of each one as it comes */
    void *interrupt_data;
    struct hangup hangup;
    struct audience audience;           /* watched by who follows something: audience_watch() */
    void (*before_leaving)(void *data); /* restores the terminal when a third signal ends us */
    void *leaving_data;
    loop_cb *after_turn; /* runs after each round of the loop, or NULL */
    void *turn_data;
};

struct client_options {
    const struct supervisor_options *start; /* how to start one; NULL: only connect */
    const char *state_root, *prefix;
    bool lease;         /* hold the session: it does not end before this process does, or leaves */
    bool starts_first;  /* nobody runs, that has been looked at: start, and connect to whoever listens then */
    bool is_alone;      /* only with one that we start: ERROR_NOT_RUNNING when somebody else was quicker */
    int64_t timeout_ms; /* for the supervisor's first answer; 0: 10 s */
    /* A guard that cleans up is waited for, and told; NULL: that is ERROR_NOT_RUNNING. */
    cleaning_cb *on_guard;
    void *guard_data;
};

/* ERROR_NOT_RUNNING when none runs and start is NULL. */
int client_open(struct client *client, const struct client_options *options, struct error *err);
/* A loop without a connection. */
int client_open_alone(struct client *client, struct error *err);
void client_close(struct client *client);
int client_watch_signals(struct client *client, struct error *err);
/* As if the signal came. */
void client_interrupt(struct client *client, int signum);

/* A change, or that some were lost. Valid during the call. */
typedef void client_record_cb(const struct transition *transition, void *data);
struct client_call {
    bool done;
    struct error error; /* of the answer */
    cJSON *result;
    client_record_cb *on_record;
    /* Instead, or NULL: all records of a watch as they come (control/watch.h). */
    void (*on_news)(const cJSON *record, void *data);
    void *data;
    int64_t id;
};
/* Takes message (NULL: no fields). The call must stay where it is until it is done or forgotten. */
void client_begin(struct client *client, struct client_call *call, enum ask ask, cJSON *message);
/* Forgets a call that is under way, frees what it holds. */
void client_end(struct client *client, struct client_call *call);
/* For what the supervisor answers from what it knows, whatever is under way. */
#define ANSWER_LIMIT LIMIT_MS(30000)
/* begin, wait, result: *result (may be NULL) is the caller's. ERROR_OWNER when no answer comes in time,
 * ERROR_CANCELLED when the user's signal comes first. */
int client_call(struct client *client, enum ask ask, cJSON *message, struct limit limit, cJSON **result,
                struct error *err);

/* ERROR_OWNER, always -1: who does not answer, where its state is; what: how the sentence goes on. */
int client_refuse_silence(const struct client *client, const char *what, struct error *err);

/* The supervisor's view. */
int client_view(struct client *client, struct limit limit, struct view **view, struct error *err);
/* What a resource's command is run with. */
struct client_exec {
    struct answer_exec answer;
    cJSON *json;
    struct arena arena;
};
int client_exec_info(struct client *client, const char *resource, struct client_exec *info,
                     struct error *err);
void client_exec_free(struct client_exec *info);
#define cleanup_exec_info __attribute__((cleanup(client_exec_free)))
/* A request about these resources. */
struct ask_resources client_names(const struct strlist *names);

#endif
