/* The node, its kind, its facts, its goals: what the files of the orchestrator share. Read it before any .c
 * file of the room; internal.h has what they do for each other.
 *
 * A node has a want (what somebody asked for), a specification (from a plan), facts (what is so, as far as we
 * know) and a table of goals. node_step() finds the first goal that is not met and starts its action; every
 * callback only writes facts and wakes the node. At most one operation is in flight per node. Nothing here
 * blocks.
 *
 * Order of reading: step.c (the step), goals.c (shared rows), goals_*.c (the kinds), facts.c, request.c.
 *
 * Ownership: the orchestrator owns nodes and plans; a plan lives as long as a node has its specification from
 * it. */
#ifndef ORCHESTRATOR_NODE_H
#define ORCHESTRATOR_NODE_H

#include "base/pick.h"
#include "logs/logs.h"
#include "orchestrator/orchestrator.h"

#include <regex.h>
#include <uthash.h>
#include <utlist.h>

#define HASH_VERSION "1"

enum {
    NODE_ENGINE = PLAN_NODE_KIND_COUNT, /* the root: the engine itself */
    NODE_KIND_COUNT,
    GOAL_COUNT = 10, /* longest table */
    TAIL_LINES = 20, /* of output in a failure report */
    GONE_KEPT = 256, /* names of nodes that are no more, for whoever follows */
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
/* What is in flight. */
enum op {
    OP_NONE,
    OP_PING,
    OP_LOCATE,
    OP_LIST,
    OP_SURVEY,
    OP_PULL,
    OP_LOOK,
    OP_CREATE,
    OP_JOIN,
    OP_START,
    OP_SIGNAL,
    OP_STOP,
    OP_REMOVE,
    OP_TAIL,
    OP_COUNT,
};

struct node;
/* A row of a lifecycle. */
struct goal {
    const char *name;
    enum node_state state; /* shown while this is the first row that is not met */
    bool (*is_met)(const struct node *node);
    void (*act)(struct node *node); /* starts one operation; NULL: neighbours or the outside will meet it */
    /* How long the row may take, until first ready; every row that acts has one. Requests to the engine have
     * limits of their own, a part of it: what they did is looked at, and tried again, within the row's. */
    struct limit (*limit)(const struct node *node);
    const char *why; /* with goal_forever: what ends the row instead */
    bool holds_slot; /* a place among the engine's starts belongs to this row */
    bool removes;    /* not met by those who only stop */
};
#define GOAL_WAITS(name, state, is_met)                                                                      \
    {                                                                                                        \
        name, state, is_met, NULL, NULL, NULL, false, false                                                  \
    }
#define GOAL_ACTS(name, state, is_met, act, limit)                                                           \
    {                                                                                                        \
        name, state, is_met, act, limit, NULL, false, false                                                  \
    }
/* For ever; `why` says what ends it. */
#define GOAL_LASTS(name, state, is_met, act, why)                                                            \
    {                                                                                                        \
        name, state, is_met, act, goal_forever, why, false, false                                            \
    }
#define GOALS_END                                                                                            \
    {                                                                                                        \
        NULL, STATE_NONE, NULL, NULL, NULL, NULL, false, false                                               \
    }

/* What a kind of node is; one in each goals_*.c, all of them in kinds.c. */
struct node_kind {
    const char *name;             /* as records have it: plan_node_kind_name(), or "engine" */
    const struct goal *up, *down; /* each ends with a row without a name */
    /* What is so of all of them. */
    bool is_main;      /* stands for a resource: is started, stopped, waited for and shown by name */
    bool runs;         /* instances of it run: they have an environment, and use what is shared */
    bool is_child;     /* runs as a process of ours */
    bool at_engine;    /* runs at the engine: output, commands and ports go through it; it knows its values */
    bool is_engines;   /* the engine has it, unless it is a folder of ours */
    bool is_shared;    /* goes after the last of those that use it */
    bool holds_data;   /* goes only when its end is asked for by name */
    bool is_elsewhere; /* nothing of it runs here: it is only asked */
    bool is_fetched;   /* stays; who waits for it shows how far it is */
    bool is_silent;    /* nothing is said of it while nobody wants it */
    /* Questions. NULL: no; is_gone and is_current: yes. */
    bool (*is_alive)(const struct node *node);
    bool (*is_gone)(const struct node *node);
    bool (*is_current)(const struct node *node);
    bool (*is_persistent)(const struct node *node);
    bool (*settles)(const struct node *node); /* is ready by running on */
    bool (*stops_only)(const struct node *node);
    bool (*uses)(const struct node *user, const struct node *shared); /* may it, without saying so? */
    const char *(*decide)(struct node *node, char **explain);
    /* Turns. NULL: nothing. */
    void (*add_links)(struct node *node);    /* besides the plan's edges */
    void (*learn)(struct node *node);        /* before each step: facts that follow from others */
    void (*on_wanted)(struct node *node);    /* it was not before */
    void (*on_recreate)(struct node *node);  /* as it is, it is not good enough */
    void (*on_ready)(struct node *node);     /* or completed */
    void (*on_down)(struct node *node);      /* from now on it goes down */
    void (*on_late)(struct node *node);      /* instead of a failure */
    void (*on_cancelled)(struct node *node); /* what was in flight */
    /* Fills in what is called with the output and the end of its process. */
    void (*listen)(struct node *node, struct process_options *options);
    void (*hurry)(struct node *node);               /* what it is asked to end by is shortened */
    void (*on_close)(struct node *node);            /* the session ends while it runs */
    struct engine_op *(*glance)(struct node *node); /* what is, beside what is in flight: glance_over() */
};
extern const struct node_kind image_kind, network_kind, volume_kind, container_kind, process_kind, value_kind,
    engine_kind;
/* By enum plan_node_kind, and NODE_ENGINE. */
extern const struct node_kind *const node_kinds[NODE_KIND_COUNT];

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
    bool running, exited;
    bool frozen;         /* paused, by whoever had it before this session */
    bool over;           /* ended by itself as it should, and is not to be restarted */
    uint64_t generation; /* restart generation of what runs */
    int64_t lived_ms;    /* of the last instance that ended */
    int64_t settled_ms;  /* of one that we started: see node_settled_ms() */
    int64_t started_ms, ready_ms, started_wall_ns, ready_wall_ns;
    int exit_code, exit_signal;
    bool oom;
    char *users; /* of the server that runs: digest of the users that we have made, and their names */
    struct strlist user_names;
    bool seeded;           /* what runs: its data set was not empty, or has been filled */
    bool saved;            /* what runs: it was told to save before its stop, and answered or could not */
    bool formed;           /* what runs: it was part of its topology when that was complete */
    char *role;            /* in its topology: "primary", "replica of cache-1"; NULL: not known */
    char *gateway;         /* network */
    bool ready, was_ready; /* was_ready: since the last request: deadlines are over */
    enum engine_health health;
    int64_t not_before; /* backoff: no action before */
    int restarts, retries;
    int64_t trouble_ms; /* of the first of the retries */
    int64_t
        answer_due_ms;   /* the effect of what is in flight was seen: until then its answer has time; or 0 */
    bool absent, pulled; /* image */
    bool reachable, located, subscribed, listed, surveyed; /* engine */
    bool in_list;                                          /* container: it was in the last listing */
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
    bool proves;          /* what answers the probe can only be ours */
    int unheard;          /* how often nobody listened at a published port */
    int64_t pause_ms;     /* until the next is tried */
    bool looked;          /* whether the engine published anything */
    pid_t container_pid;  /* of the first process, as the engine counts; 0: not known */
};
struct node_output {
    struct log_writer *writer;
    struct engine_op *follow;
    int64_t last_ns, since_ns; /* newest line; where the follow began */
    char *tail;                /* fetched for a report */
};

enum { BESIDE_USERS, BESIDE_SEED, BESIDE_COUNT };

struct node {
    struct orchestrator *o;
    UT_hash_handle hh;
    char *id, *resource, *name;
    const struct node_kind *kind;
    struct plan_ref *origin;
    const struct plan_node *spec; /* NULL: found, in no plan */
    enum want want;
    uint64_t generation; /* wanted: `restart` raises it */
    int kill_signal;     /* of the stop that is wanted; 0: the mild way */
    bool is_apart;       /* wanted: off the project's network, though it runs */
    bool taken_along;    /* stopped with what it depends on: comes back with it */
    struct facts facts;

    struct link *links;
    size_t link_count;
    struct node **dependants;
    size_t dependant_count;
    struct strlist bonds; /* ids that the running instance depends on: order of going down */

    struct engine_op *op;     /* in flight */
    struct engine_op *glance; /* beside it, while it is silent: see glance.c */
    int64_t glance_ms;        /* when the next is due; 0: none is */
    int64_t glance_pause_ms;
    enum op doing;    /* OP_STOP also without `op`: a process has been asked to end */
    int64_t doing_ns; /* since when */
    struct process *process;
    struct seeding *seeding; /* under way, or NULL */
    struct making_users *making_users;
    void (*beside[BESIDE_COUNT])(struct node *node); /* how what runs beside the sensor is stopped; or NULL */
    struct saving *saving;
    struct forming *forming; /* that it is a member of, or NULL */
    struct sensor sensor;
    struct node_output output;
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
    int64_t goal_ns; /* the same moment on the wall clock */
    char *detail;
    int64_t current, total; /* bytes of a pull */
    int64_t told_ms;        /* when they were shown last */
    struct error error;     /* failed for good; cleared by the next request */
    bool failed;
    bool words_are_told;  /* node_last_words() stand in its error */
    const char *decision; /* "created", "reused", … */
    char *explain;
    struct {
        const char *goal;
        int64_t ms;
    } timings[GOAL_COUNT];
    int timing_count;
    bool spec_unsaved;
    int pins;        /* requests that look at it */
    bool is_touched; /* something may have changed in its record: see changes.c */
    uint64_t shown;  /* fingerprint of the record as it was looked at last; 0: nothing was shown */
    int64_t rev;     /* when it became so; 0: it never was looked at */
};

struct secret {
    UT_hash_handle hh;
    char *name, *value; /* value NULL: not known yet */
    bool generated, special, is_secret;
    int length;
    char *issued, *names; /* a certificate or its key: where it is kept, and which gateway it names */
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
    char *told;         /* the node whose failure the error tells; NULL: none's */
    struct request *prev, *next;
};

struct orchestrator {
    struct orchestrator_services services;
    const struct node_kind *const *kinds; /* node_kinds */
    loop_cb *step;                        /* of a node: its turn */
    void (*on_removed)(const struct node *node);
    char *session, *logs_folder; /* owned copies */
    struct orchestrator_hooks hooks;
    struct node *nodes;    /* by id, in order of appearance */
    struct node *engine;   /* the root; NULL without an engine */
    struct plan_ref *plan; /* the newest */
    struct secret *secrets;
    uint64_t values_serial;
    struct engine_where where; /* once located: the candidates; place: the likeliest, or the proven one */
    int place;
    cJSON *mounts; /* of the container of this engine that we are; NULL: we are none */
    bool located, proven;
    bool supposed; /* something answered there that need not be ours */
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
    struct forming *formings;
    struct request *requests;
    orchestrator_request last_request;
    struct turn settle;
    struct timer saver;
    bool busy;         /* something was held since on_idle ran last */
    int64_t rev;       /* of the last transition or change */
    int64_t whole_rev; /* who knows less than this has to take the whole view */
    bool is_followed;
    struct {
        char *id;
        int64_t rev;
    } gone[GONE_KEPT];
    size_t gone_count;
    bool closing;
    loop_cb *on_closed;
    void *closed_data;
    struct turn closed;
    uint64_t random;
};

#endif
