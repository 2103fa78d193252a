/* What the files of the orchestrator share: the node, its facts, its goals. Read it before any .c file of the
 * room.
 *
 * A node has a want (what somebody asked for), a specification (from a plan), facts (what is so, as far as we
 * know) and a table of goals. node_step() finds the first goal that is not met and starts its action; every
 * callback only writes facts and wakes the node. At most one operation is in flight per node. Nothing here
 * blocks.
 *
 * Order of reading: step.c (the step), goals.c (which table), goals_*.c (the tables), facts.c, request.c.
 *
 * Ownership: the orchestrator owns nodes and plans; a plan lives as long as a node has its specification from
 * it. */
#ifndef ORCHESTRATOR_INTERNAL_H
#define ORCHESTRATOR_INTERNAL_H

#include "logs/logs.h"
#include "orchestrator/orchestrator.h"

#include <regex.h>
#include <uthash.h>
#include <utlist.h>

#define LABEL(name) "io.apphost." name
#define HASH_VERSION "1"

enum {
    NODE_ENGINE = PLAN_NODE_KIND_COUNT, /* the root: the engine itself */
    NODE_KIND_COUNT,
    GOAL_COUNT = 8,  /* longest table */
    TAIL_LINES = 20, /* of output in a failure report */
    RETRY_LIMIT = 5, /* of one operation that the engine answered with something that may pass */
};

enum want { WANT_KEEP, WANT_UP, WANT_STOPPED, WANT_REMOVED };
enum seen { SEEN_UNKNOWN, SEEN_ABSENT, SEEN_PRESENT };
enum node_state {
    STATE_NONE,
    STATE_WAITING,
    STATE_PULLING,
    STATE_CREATING,
    STATE_STARTING,
    STATE_RUNNING,
    STATE_READY,
    STATE_COMPLETED,
    STATE_FAILED,
    STATE_RESTARTING,
    STATE_STOPPING,
    STATE_STOPPED,
    STATE_REMOVED,
    STATE_MANUAL,
    STATE_ENGINE_LOST,
    STATE_COUNT
};

struct node;
/* A row of a lifecycle. */
struct goal {
    const char *name;
    enum node_state state; /* shown while this is the first row that is not met */
    bool (*is_met)(struct node *node);
    void (*act)(struct node *node); /* starts one operation; NULL: neighbours or the outside will meet it */
    /* How long the row may take, until first ready; every row that acts has one. Requests to the engine have
     * limits of their own, a part of it: what they did is looked at, and tried again, within the row's. */
    struct limit (*limit)(struct node *node);
    const char *why; /* with goal_forever: what ends the row instead */
};
struct lifecycle {
    const struct goal *up, *down; /* each ends with a row without a name */
};
extern const struct lifecycle container_lifecycle, process_lifecycle, image_lifecycle, network_lifecycle,
    volume_lifecycle, value_lifecycle, engine_lifecycle;

/* What is so, as far as we know. Written by callbacks; survives changes of the specification. */
struct facts {
    enum seen seen;  /* engine objects */
    bool disturbed;  /* an event came that a pending answer cannot know of */
    char *object;    /* container's id, network's id */
    char *spec_hash; /* of what is there, or ran last */
    char *digest;    /* of its resolved values; NULL: not known, taken as the same */
    bool persistent, ephemeral;
    bool unborn;    /* made by us, and never started: it holds nothing */
    bool foreign;   /* there, but not ours to remove */
    bool spoiled;   /* must go before we can go on: its port is taken, its network is gone */
    bool joined;    /* member of the project's network */
    bool inspected; /* the whole document was read since it was seen */
    bool running, paused, exited;
    bool over;           /* ended by itself as it should, and is not to be restarted */
    uint64_t generation; /* restart generation of what runs */
    int64_t lived_ms;    /* of the last instance that ended */
    int64_t settled_ms;  /* of one that we started: see node_settled_ms() */
    int64_t started_ms, ready_ms, started_wall_ns, ready_wall_ns;
    int exit_code, exit_signal;
    bool oom;
    bool seeded;           /* what runs: its data set was not empty, or has been filled */
    bool ready, was_ready; /* was_ready: since the last request: deadlines are over */
    enum engine_health health;
    int64_t not_before; /* backoff: no action before */
    int restarts, retries;
    int64_t trouble_ms; /* of the first of the retries */
    int64_t
        answer_due_ms;   /* the effect of what is in flight was seen: until then its answer has time; or 0 */
    bool absent, pulled; /* image */
    bool reachable, located, subscribed, surveyed; /* engine */
    bool listed;      /* engine: the listing is in; container: it was in the last one */
    char *port_label; /* the ports of what is there, as its label tells */
    char *completed;  /* key under which a task was completed */
};

struct link {
    struct node *to;
    enum plan_until until;
    bool required;
};
struct plan_ref {
    struct plan *plan;
    int refs;
};
struct node_port {
    const char *endpoint; /* owned */
    int host_port;        /* 0: not chosen yet */
};
/* Tells whether the instance is ready, and whether it still is. */
struct sensor {
    bool on, final;
    struct probe *probe;
    regex_t regex;
    bool has_regex;
    struct engine_op *exec;
    struct timer timer;
    struct error last;    /* of exec and image health; probes keep theirs */
    enum probe_kind kind; /* of the probe */
    int tried;            /* which of the places where published ports may be */
    int64_t pause_ms;     /* until the next is tried */
    bool looked;          /* whether the engine published anything */
    pid_t container_pid;  /* of the first process, as the engine counts; 0: not known */
};
struct output {
    struct log_writer *writer;
    struct engine_op *follow;
    int64_t last_ns, since_ns; /* newest line; where the follow began */
    char *tail;                /* fetched for a report */
};

struct node {
    struct orchestrator *o;
    UT_hash_handle hh;
    char *id, *resource, *name;
    int kind; /* enum plan_node_kind, or NODE_ENGINE */
    struct plan_ref *origin;
    const struct plan_node *spec; /* NULL: found, in no plan */
    enum want want;
    uint64_t generation; /* wanted: `restart` raises it */
    int kill_signal;     /* of the stop that is wanted; 0: the mild way */
    bool taken_along;    /* stopped with what it depends on: comes back with it */
    struct facts facts;

    struct link *links;
    size_t link_count;
    struct node **dependants;
    size_t dependant_count;
    struct strlist bonds; /* ids that the running instance depends on: order of going down */

    struct engine_op *op; /* in flight */
    const char *op_name;
    struct process *process;
    struct seeding *seeding; /* under way, or NULL */
    struct sensor sensor;
    struct output output;
    struct watching *watching;            /* of the files that restart it, or NULL */
    const struct plan_node *watching_for; /* the specification that it was begun for */
    char *cause;                          /* of the restart under way: "server.js changed", or NULL */
    struct timer timer;
    struct turn turn;
    bool has_slot, queued; /* of engine starts in flight */
    struct node *slot_next, *slot_prev;

    struct node_port *ports;
    size_t port_count;
    uint64_t values_serial; /* of digest and missing below */
    char *digest;           /* of the resolved values; NULL: some are not known */
    const char *missing;
    char *making; /* digest of what is being created */

    enum node_state state;
    const struct goal *goal;
    bool going_down;
    bool existed; /* was there since it was last removed: named when it goes */
    int64_t goal_ms, asked_ms;
    char *detail;
    int64_t current, total; /* bytes of a pull */
    struct error error;     /* failed for good; cleared by the next request */
    bool failed;
    const char *decision; /* "created", "reused", … */
    char *explain;
    struct {
        const char *goal;
        int64_t ms;
    } timings[GOAL_COUNT];
    int timing_count;
    bool spec_unsaved;
    int pins; /* requests that look at it */
};

struct secret {
    UT_hash_handle hh;
    char *name, *value; /* value NULL: not known yet */
    bool generated, special, is_secret;
    int length;
};

struct target {
    struct node *node;
    enum want want; /* asked for; another want later supersedes the request */
};
enum request_kind { REQUEST_APPLY, REQUEST_DOWN, REQUEST_CONTROL, REQUEST_WAIT };
struct request {
    struct orchestrator *o;
    enum request_kind kind;
    orchestrator_request id;
    orchestrator_done_cb *done;
    void *data;
    struct target *targets; /* down: none, everything is meant */
    size_t target_count;
    bool waits_for_all; /* and does not know yet what that is */
    enum plan_until until;
    bool needs_engine, verified;
    struct plan_ref *dry_plan; /* only tell what would be done for this one */
    cJSON *removed;            /* down: [{name, kind}] */
    struct timer timer;
    int64_t started_ms, timeout_ms, pulling_before_ms;
    struct error error; /* known from the start */
    struct request *prev, *next;
};

struct orchestrator {
    struct orchestrator_services services;
    char *session, *logs_folder; /* owned copies */
    struct orchestrator_hooks hooks;
    struct node *nodes;    /* by id, in order of appearance */
    struct node *engine;   /* the root; NULL without an engine */
    struct plan_ref *plan; /* the newest */
    struct secret *secrets;
    uint64_t values_serial;
    struct engine_where where; /* once located: the candidates; place: the likeliest, or the proven one */
    int place;
    bool located, proven;
    char bracketed[264], process_host[80];
    char *digest_key, *digest_key_id;
    enum want leftovers;      /* what happens to objects of the project that are in no plan */
    bool leftover_persistent; /* … to persistent ones as well */
    bool survey_networks, survey_volumes, connected_once, applied_once;
    bool reached_once;  /* it answered at all */
    bool natives_known; /* servers of earlier sessions were adopted */
    bool going_down;    /* the last request was `down` */
    int64_t lost_ms;    /* since when the engine does not answer; -1: it does */
    struct engine_op *events;
    bool hurry, kill;
    int starts; /* in flight */
    struct node *start_queue;
    int pulls;
    int64_t pulling_ms, pull_started_ms;
    struct watching *watchings;
    struct request *requests;
    orchestrator_request last_request;
    struct turn settle;
    struct timer saver;
    bool busy; /* something was held since on_idle ran last */
    bool closing;
    loop_cb *on_closed;
    void *closed_data;
    struct turn closed;
    uint64_t random;
};

/* ---- step.c ---- */
void node_step_init(struct node *node);
void node_wake(struct node *node);
void node_wake_neighbours(struct node *node);
void orchestrator_wake_all(struct orchestrator *o);
/* What one operation came to: call first in every engine callback. */
void node_op_begin(struct node *node, const char *name, struct engine_op *op);
void node_op_end(struct node *node);
/* An operation failed: engine trouble, passing trouble or failure for good. */
void node_op_failed(struct node *node, const struct error *err);
/* Failed for good (until the next request); fetches the last lines first where there are some to fetch. */
void node_fail(struct node *node, const struct error *err);
void node_fail_text(struct node *node, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_clear_failure(struct node *node);
void node_set_detail(struct node *node, int64_t current, int64_t total, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *node_state_name(enum node_state state);
int64_t node_now(const struct node *node);

/* ---- slots.c ---- */
bool slot_take(struct node *node);
void slot_release(struct node *node);

/* ---- goals.c ---- */
const struct lifecycle *node_lifecycle(const struct node *node);
bool node_needs_engine(const struct node *node);
bool engine_is_listed(const struct orchestrator *o);
/* Up table or down table? */
bool node_is_going_down(struct node *node);
bool node_is_current(struct node *node);
/* The down table ends with stopped, not with removed. */
bool node_stops_only(struct node *node);
/* Something of it exists that a dependency must outlive. */
bool node_is_alive(const struct node *node);
/* Nothing of it exists. */
bool node_is_gone(const struct node *node);
bool node_is_over(const struct node *node); /* a process that ended as it should */
/* Shared rows. */
bool goal_waiting_met(struct node *node);
bool goal_unused_met(struct node *node);
bool goal_connected_met(struct node *node);
bool goal_calm_met(struct node *node);
void goal_calm_act(struct node *node);
struct limit goal_ready_limit(struct node *node);
struct limit goal_task_limit(struct node *node); /* the same, but a task takes as long as it takes */
struct limit goal_object_limit(struct node *node);
struct limit goal_forever(struct node *node);
bool link_is_met(const struct link *link);
/* The dependency whose failure keeps the node from starting; on the way down, the user that failed to go and
 * holds a network or a volume; or NULL. */
struct node *node_blocker(const struct node *node);
struct node *node_waits_for(struct node *node);
/* An instance ended by itself: restart, completed or failed. */
void node_judge_exit(struct node *node);
/* "ended with exit code 1", "was ended by signal 9 (out of memory)"; `when` stands after the verb. Caller
 * frees. */
char *node_exit_text(const struct node *node, const char *when);
/* Of something that should run and ended well in its first seconds: words for that, else NULL. */
char *node_early_end_text(const struct node *node);
/* Until when an instance that is ready by running has to run on; 0: it did, or has a readiness of its own. */
int64_t node_settled_ms(const struct node *node);
void node_instance_started(struct node *node);
void node_instance_ended(struct node *node);
bool node_is_server(const struct node *node);
bool node_succeeded(const struct node *node); /* the exit code is one of success */

/* ---- facts.c ---- */
void facts_clear(struct facts *facts);
/* Nothing is there. */
void facts_gone(struct node *node);
void facts_of_container(struct node *node, const struct engine_container *container, bool inspected);
void facts_of_list(struct orchestrator *o, const struct engine_container *containers, int count);
void facts_of_event(struct orchestrator *o, const struct engine_event *event);
/* The engine was lost: what we know may be old. */
void facts_unknown(struct orchestrator *o);
const char *label_of(const struct engine_container *container, const char *name);

/* ---- goals_*.c ---- */
void engine_need(struct orchestrator *o);
void engine_lose(struct orchestrator *o, const struct error *err);
/* A row of the root took longer than it may. */
void engine_late(struct node *root);
/* Asks for a fresh look at everything. */
void engine_look_again(struct orchestrator *o);
void process_forget(struct node *node);
/* Sends the stop signal, or shortens the deadline of a stop that is under way. */
void process_ask_to_stop(struct node *node);
void image_pull_cancelled(struct node *node);
char *task_key(struct node *node);
struct node *image_of(struct node *node);
struct node *network_of(struct orchestrator *o);

/* Fills in what is called with the output and the end of the node's process. */
void process_listen(struct node *node, struct process_options *options);

/* ---- native.c ---- */
bool native_is_server(const struct node *node);
/* How a native server is to be spawned so that others find it later. */
int native_prepare(struct node *node, struct process_options *options, char **output_path, struct error *err);
void native_started(struct node *node);
void native_ended(struct node *node);
/* Lets a persistent server run on, and notes where the next session goes on with it. */
void native_release(struct node *node);
/* Adopts the recorded servers that still run; once. */
void native_survey(struct orchestrator *o);
/* The folder of a volume node of the native engine, or NULL. */
const char *native_folder(const struct node *node);
/* A folder that nothing is kept in: it goes with every `down`. */
bool native_is_scratch(const struct node *node);
/* A node for every folder with data in the state. */
void native_find_folders(struct orchestrator *o);
/* Makes the volume's folder; one that keeps nothing is made anew. */
int native_make_folder(struct node *node, struct error *err);

/* ---- nodes.c ---- */
struct node *node_new(struct orchestrator *o, const char *id, int kind);
void node_free(struct node *node);
struct node *node_find(struct orchestrator *o, const char *id);
void node_set_spec(struct node *node, struct plan_ref *origin, const struct plan_node *spec);
void nodes_link(struct orchestrator *o);
void plan_ref_drop(struct plan_ref *ref);
const struct plan_resource *node_resource(const struct node *node);
/* The node of a resource's name (with replicas the first) or of a replica's, or NULL. */
struct node *node_of_resource(struct orchestrator *o, const char *resource);
/* Is it the name of its resource, or of the replica that it is? */
bool node_is_named(const struct node *node, const char *name);
/* The resource that it is a replica of, or NULL. */
const char *node_replica_of(const struct node *node);
/* Another replica of the same resource is wanted: who needs the resource can do without this one. */
bool node_has_stand_in(const struct node *node);
void node_remember_bonds(struct node *node);
/* What a container that stays needs stays as well. */
void nodes_settle_wants(struct orchestrator *o);
/* Frees what nobody wants, asked for or has. */
void nodes_reap(struct orchestrator *o);

/* ---- values.c ---- */
struct plan_lookup values_lookup(struct orchestrator *o);
/* Something that late values are made of has changed. */
void values_changed(struct orchestrator *o);
/* Digest of the node's resolved values (borrowed), or NULL while one is missing (node->missing). */
const char *values_digest(struct node *node);
/* Does a container's environment (the engine's list) hold what it would be given now? What is not known yet
 * counts as equal. For containers whose digest was made with a key that the state has lost. */
bool values_match(struct node *node, const cJSON *environment);
/* argv of entrypoint or command; false when a value is missing. */
bool values_list(struct orchestrator *o, const struct plan_text *texts, size_t count, struct strlist *out);
bool values_environment(struct node *node, struct strlist *out);
char *values_resolve(struct orchestrator *o, const struct plan_text *text);
/* Ports and secrets for all that can have them now, in one write of the state. */
void values_settle(struct orchestrator *o);

/* ---- place.c: where published ports are reached ---- */
bool place_is_met(struct node *root);
void place_find(struct node *root);
const char *place_host(const struct orchestrator *o);
/* As a text has it (IPv6 in brackets); NULL: not known yet. */
const char *place_in_text(struct orchestrator *o);
const char *place_of_port(const struct orchestrator *o, const struct plan_port *port);
/* What the node's probe tries now; and that it was answered there. */
const char *place_to_try(const struct node *node, const struct plan_port *port);
void place_prove(struct node *node);
/* The addresses that a port is published on. */
int place_count(const struct orchestrator *o, const struct plan_port *port);
const char *place_bind(const struct orchestrator *o, const struct plan_port *port, int i);
/* The entry of a container's extra hosts: the processes of this machine may be somewhere else than its
 * engine. */
const char *place_extra_host(const struct node *node, const char *entry);
/* The part of the node's digest. */
void place_add(const struct node *node, struct strbuf *out);
/* Fails the node when what it publishes cannot be reached from here. */
bool place_refuses(struct node *node);
/* Looks once whether the engine published anything of the node, and fails it when not. */
void place_look(struct node *node);
/* {"host","how"}, or NULL while it is not known. */
cJSON *place_view(const struct orchestrator *o);

/* ---- secrets.c ---- */
void secrets_take(struct orchestrator *o, const struct plan *plan);
const char *secret_value(struct orchestrator *o, const char *name);
/* Finds or makes all values that the wanted nodes need; false when the state could not be written (error). */
int secrets_settle(struct orchestrator *o, struct error *err);
/* Does the node use a secret that nobody knows, but a running container may? */
bool secrets_missing(struct node *node);
/* Reads secrets back from the environment of the node's container. */
void secrets_read_back(struct node *node, const cJSON *environment);
void secrets_free(struct orchestrator *o);
void secrets_digest_key(struct orchestrator *o);

/* ---- ports.c ---- */
/* Chooses ports for every wanted node that can have them now; one write of the state. */
int ports_settle(struct orchestrator *o, struct error *err);
int port_of(const struct node *node, const char *endpoint);
/* The next free port instead of one that turned out to be taken. false: it was fixed. */
bool ports_move(struct node *node, int taken);
void ports_from_label(struct node *node, const char *label);
char *ports_label(const struct node *node);

/* ---- holder.c ---- */
/* Fails the node with ERROR_PORT for its fixed port that is taken: asks the engine which container has it,
 * else looks into /proc. */
void holder_fail(struct node *node);

/* ---- listening.c ---- */
/* Adds what the node listens on, when its endpoint does not answer. */
void listening_hint(const struct node *node, struct error *err);

/* ---- spec.c ---- */
cJSON *spec_container(struct node *node);
cJSON *spec_labels(const struct node *node, const char *digest);

/* ---- seed.c ---- */
bool seed_is_met(struct node *node);
void seed_start(struct node *node);
/* Cancels it; the server keeps what was written so far. */
void seed_stop(struct node *node);

/* ---- sensor.c ---- */
void sensor_start(struct node *node);
void sensor_stop(struct node *node);
const struct error *sensor_error(const struct node *node);
const struct plan_probe *node_probe(const struct node *node);

/* ---- watching.c ---- */
/* Begins or ends to watch the files that the node names, as it is wanted now. */
void watching_settle(struct node *node);
void watching_leave(struct node *node);

/* ---- output.c ---- */
/* A line of our own among those of the resource. */
void output_say(struct node *node, const char *line);
struct log_writer *output_open(struct node *node);
void output_follow(struct node *node);
void output_unfollow(struct node *node);
void output_free(struct node *node);
/* The last lines, or NULL; the caller frees. */
char *output_tail(const struct node *node);

/* ---- request.c ---- */
struct request *request_new(struct orchestrator *o, enum request_kind kind, orchestrator_done_cb *done,
                            void *data);
void request_target(struct request *request, struct node *node);
void request_target_all(struct request *request);
/* timeout_ms 0: the default; < 0: none. Returns the request's id. */
orchestrator_request request_start(struct request *request, int64_t timeout_ms);
void request_free(struct request *request);
/* Something of the project has gone: for the list that `down` reports. */
void requests_note_removed(const struct node *node);
void requests_settle(void *data);
void requests_changed(struct orchestrator *o);

/* ---- report.c ---- */
cJSON *report_of(const struct request *request);
cJSON *report_error(const struct error *err);
/* What applying the plan would do: {"resources": [{"name","decision","explain"}]}. */
cJSON *report_dry_run(struct orchestrator *o, const struct plan *plan);
/* What went wrong with the node: its own failure or the one it is derived from. */
/* The first failed dependency, down to the node that failed itself; the node where none has. */
const struct node *report_root_cause(const struct node *node);
void report_node_error(const struct node *node, struct error *err);

/* ---- apply.c ---- */
/* The node must come up (again): failures are forgotten. */
void node_want_up(struct node *node);
int64_t pulling_ms(const struct orchestrator *o);

/* ---- decide.c ---- */
/* Notes once per request what is done with the node and why: "created", "reused", "recreated", … */
void node_decide(struct node *node);
/* The same for what the new plan no longer has. */
void decide_to_send_away(struct node *node);
const char *decision_of(struct orchestrator *o, const struct plan_node *spec, char **explain);

/* ---- persist.c ---- */
void persist_spec(struct node *node);
void persist_flush(void *orchestrator);

#endif
