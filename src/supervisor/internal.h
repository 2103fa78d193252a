/* What the files of this room share: the long-lived process' state, and how its parts call each other.
 *
 *   start.c      the caller's side: lock, fork, wait until it listens; find, connect
 *   life.c       the process: sets up, runs the loop, ends
 *   lease.c      who holds the session, and what follows when nobody does
 *   verbs.c      the control protocol's verbs, one table
 *   requests.c   requests as such
 *   watch.c      who follows what happens: transitions, and records that changed
 *   history.c    what happened lately
 *   usage.c      what resources use
 *   pages.c      pages of logs
 *   details.c    what a resource is made of
 *   reach.c      socket and state folder are made again when they were taken away
 *   log.c        its own log, bounded
 *   clean.c      gc of a session that died
 *   servers.c    native servers that it left
 */
#ifndef SUPERVISOR_INTERNAL_H
#define SUPERVISOR_INTERNAL_H

#include "supervisor/supervisor.h"
#include "orchestrator/orchestrator.h"
#include "record/record.h"

enum { SUPERVISOR_SWEEP_MS = 300, SUPERVISOR_EMPTY_MS = 10000, SUPERVISOR_READY_MS = 120000 };

#define SUPERVISOR_LOG "supervisor.log"
enum { SUPERVISOR_LOG_LIMIT = 1 << 20 };

/* RUNNING serves; LEAVING has a down under way, its own or a command's; ENDING closes and answers nothing any
 * more. */
enum phase { PHASE_RUNNING, PHASE_LEAVING, PHASE_ENDING };

/* A connection that has said something of lasting meaning. */
struct guest {
    bool lease;
};

/* A request of a client that the orchestrator works on. */
struct verb_request {
    struct supervisor *supervisor;
    struct control_client *client;
    int64_t id;
    const struct verb *verb;
    orchestrator_request handle;
    /* A down that is over, and not answered yet: */
    bool is_over;
    cJSON *harvest;
    struct error error;
    /* A watch that wants records, moments, or both: */
    bool has_records, has_moments;
    int64_t rev, moment_rev; /* what it was told of each */
    /* Details that the engine was asked for: */
    cJSON *details;
    struct engine_op *op;
    struct verb_request *prev, *next;
};

/* A request as it came; on the stack of whoever serves it. */
struct call {
    struct supervisor *s;
    struct control_client *client;
    int64_t id;
    const struct verb *verb;
    const cJSON *message;
};
struct verb {
    void (*act)(const struct call *call);
    int argument;
    bool reports;            /* its client gets transitions while it works */
    bool serves_the_leaving; /* while a down is under way */
};

struct supervisor {
    const struct supervisor_options *options;
    const char *session;
    pid_t guard, starter;
    int64_t started_ns;
    struct loop loop;
    struct state *state;
    struct engine *engine; /* NULL: none */
    struct orchestrator *orchestrator;
    struct control_server *server;
    char *logs_folder, *socket;
    struct verb_request *requests;
    struct history *history;
    struct first *firsts; /* processes of containers: see usage.c */

    enum phase phase;
    bool parted; /* all is down and the record removed: nothing is made again */
    struct reach *reach;
    int downs;       /* under way */
    bool is_down;    /* one of them has taken all down */
    bool is_leaving; /* one of them is our own */
    int exit_code;
    int closing;   /* parts that are not closed yet */
    bool has_plan; /* the orchestrator knows the project */
    bool was_used; /* something was asked for: being idle means that it is over, once nobody holds it */
    struct turn idle_turn;

    int lease_fd; /* the starter's, or -1 */
    bool watches_lease;
    uv_poll_t lease_poll;
    int client_leases;
    bool detached, lease_lost;
    bool has_reached; /* the engine, in this session or in a dead one whose leftovers it took over */
    struct timer empty_timer;
};

/* ---- life.c ---- */

/* What a supervisor needs to know; lives in the caller's memory, of which the new process has a copy. */
struct birth {
    const struct supervisor_options *options;
    const char *session, *socket;
    struct state *state;
    pid_t starter;
    enum orchestrator_left left; /* by the session before this one, if it died */
    int ready_fd, lease_fd;
};
/* Runs in the new process; its result is the exit code. arg: struct birth. */
int supervisor_live(void *arg);
/* Takes the session down in order; hurry: with short stop times. Again: hurries only. */
void supervisor_leave(struct supervisor *s, bool hurry);
/* Ends the session, in a turn, if it is over. For whoever stops holding it. */
void supervisor_look_idle(struct supervisor *s);
/* Starts a down of the project, whether or not it was ever up in this session. */
orchestrator_request supervisor_down(struct supervisor *s, const struct orchestrator_down *down,
                                     orchestrator_done_cb *done, void *data);
/* One that supervisor_down() began is over. With the last one the session ends, if all is down. */
void supervisor_down_over(struct supervisor *s, bool is_down);
/* All is down: sweeps stray processes, forgets the session record. From here on another one may start. */
void supervisor_part(struct supervisor *s);
/* Closes everything; the loop ends, and with it the process. */
void supervisor_end(struct supervisor *s, int exit_code);
int supervisor_write_record(struct supervisor *s, struct error *err);

/* ---- lease.c ---- */

void lease_init(struct supervisor *s, int fd);
void lease_fini(struct supervisor *s);
bool lease_is_held(const struct supervisor *s);
/* A client says that it holds the session. */
void lease_take(struct supervisor *s, struct control_client *client);
/* It has ended in order: it holds nothing any more. False when it did not before. */
bool lease_leave(struct supervisor *s, struct control_client *client);
/* It has ended in order, and the session is to go on. */
void lease_detach(struct supervisor *s, struct control_client *client);
/* What follows from who holds the session now. */
void lease_look(struct supervisor *s);
/* It is gone. */
void lease_gone(struct supervisor *s, struct control_client *client);

/* ---- reach.c ---- */

/* Once it listens and has written the record. */
void reach_init(struct supervisor *s);
void reach_fini(struct supervisor *s);
/* Is everything where it was? Makes again what is not. */
void reach_look(struct supervisor *s);

/* ---- log.c ---- */

/* From now on what is logged goes to standard error, which is the log in this state's folder. */
void supervisor_log_to(const struct state *state);

/* ---- clean.c ---- */

/* An orchestrator that was never given a plan knows its session only. With an empty one it knows the project,
 * and a down then also takes what was adopted from, or left by, earlier sessions. */
void supervisor_take_project(struct orchestrator *o, const char *project, const char *hash);

/* Ends the processes of a session that died: strays first, then native servers with their time. removed (may
 * be NULL) gets what went. */
void supervisor_sweep_dead(struct state *state, const struct state_session *dead, struct strlist *removed);
/* Takes its socket and its record away, last of all: until then it can be tried again. */
int supervisor_forget_dead(struct state *state, const struct state_session *dead, char *const *environment,
                           struct error *err);

/* ---- servers.c ---- */

/* The records can be read: else one that works on a server's data might run, and nobody would know. */
int supervisor_check_servers(struct state *state, struct error *err);
/* Stops the recorded native servers of a session that died, except persistent ones; forgets records of those
 * that have ended. removed (may be NULL) gets "process NAME" each. */
void supervisor_stop_servers(struct state *state, struct strlist *removed);

/* ---- requests.c ---- */

struct verb_request *supervisor_begin(const struct call *call);
void supervisor_forget(struct verb_request *request);
/* In the arena; NULL: the message is none of this kind, which was answered. */
const void *supervisor_read(const struct call *call, const struct record *record, struct arena *arena);

/* ---- verbs.c ---- */

extern const struct control_handlers supervisor_handlers; /* data: to be set to the supervisor */
/* Answers the downs that are over. */
void supervisor_answer_downs(struct supervisor *s);
/* Answers all that is under way; for the end. */
void supervisor_drop_requests(struct supervisor *s);

/* ---- history.c ---- */

struct history *history_new(void);
void history_free(struct history *history);
/* Takes the record. */
void history_add(struct history *history, int64_t rev, cJSON *record);
/* The revision after which nothing is forgotten. */
int64_t history_from(const struct history *history);
/* What came after `since`, as an array that the caller deletes. */
cJSON *history_since(const struct history *history, int64_t since);

/* ---- details.c ---- */

void supervisor_tell_edges(const struct call *call);
void supervisor_tell_details(const struct call *call);

/* ---- usage.c ---- */

void supervisor_tell_usage(const struct call *call);
void supervisor_forget_usage(struct supervisor *s);

/* ---- pages.c ---- */

void supervisor_tell_logs(const struct call *call);

/* ---- watch.c ---- */

void supervisor_tell_history(const struct call *call);
void supervisor_note_moment(const struct view_moment *moment, void *supervisor);

void supervisor_watch(const struct call *call);
void supervisor_broadcast(const struct transition *transition, void *supervisor);
/* Records may have changed, or somebody has read what he was told. */
void supervisor_tell_changes(void *supervisor);
/* A watch is over. */
void supervisor_settle_watches(struct supervisor *s);
/* The session has ended in order. */
void supervisor_tell_watchers(struct supervisor *s);

#endif
