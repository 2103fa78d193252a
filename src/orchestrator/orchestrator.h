/* The heart: converges the world to a plan. Nodes, goal tables, facts, one step function.
 *
 * A node's lifecycle is a table of goals; node_step() looks for the first row whose predicate does not hold
 * and starts its action, which is exactly one operation. Callbacks only record facts and wake the node. Up,
 * down, changed, adopted, removed, gc: all the same step over another table. See ARCHITECTURE.md, "The
 * heart".
 *
 * Wants: orchestrator_apply() replaces the plan (an empty one: everything goes). Several requests may be
 * under way; each has a `done` of its own that runs when what it asked for is reached, has failed for good,
 * or timed out.
 *
 * Ownership: the orchestrator borrows its services and owns the plans it is given. Everything on the loop's
 * thread. Promise: callbacks never run before the starting function returned; each done exactly once, not
 * after close. */
#ifndef ORCHESTRATOR_ORCHESTRATOR_H
#define ORCHESTRATOR_ORCHESTRATOR_H

#include "base/error.h"
#include "base/json.h"
#include "control/view.h"
#include "control/watch.h"
#include "engine/engine.h"
#include "loop/loop.h"
#include "plan/plan.h"
#include "probe/probe.h"
#include "process/process.h"
#include "state/state.h"
#include "watch/watch.h"

/* A node changed its state, or what it says of it: one of these a change, from the one function that changes
 * states. */
typedef void orchestrator_transition_cb(const struct transition *transition, void *data);

/* A row was left, or an operation is over. */
typedef void orchestrator_moment_cb(const struct view_moment *moment, void *data);

/* Hands and senses that tests on virtual time replace; a NULL member, or no table at all, is the real one. */
struct orchestrator_hooks {
    struct process *(*spawn)(struct loop *loop, const struct process_options *options, struct error *err);
    pid_t (*pid)(const struct process *process);
    void (*stop)(struct process *process, int signal, int64_t timeout_ms);
    int (*signal)(struct process *process, int signal, struct error *err);
    void (*free)(struct process *process);
    struct process *(*adopt)(struct loop *loop, const struct process_options *options, struct error *err);
    void (*release)(struct process *process);
    struct probe *(*probe)(struct loop *loop, const struct probe_options *options, probe_change_cb *on_change,
                           void *data);
    const struct error *(*probe_error)(const struct probe *probe);
    void (*probe_free)(struct probe *probe);
    bool (*port_is_free)(const char *address, int port);
    bool (*lacks_address)(const char *address);
    struct watch *(*watch)(struct loop *loop, const struct watch_options *options);
    void (*watch_free)(struct watch *watch);
};

/* What is known of what earlier sessions left at the engine. While it cannot be reached, taking down fails
 * where there is something, and goes on where there is nothing. */
enum orchestrator_left {
    LEFT_UNKNOWN, /* nothing tells; a session that was given a plan left nothing before it reached the engine
                   */
    LEFT_NOTHING,
    LEFT_SOMETHING,
};

struct orchestrator_services {
    struct loop *loop;
    struct engine *engine; /* NULL: none; only plans without containers can be applied */
    struct state *state;
    enum orchestrator_left left;
    const char *session;      /* id: label and APPHOST_SESSION */
    const char *logs_folder;  /* NULL: output is not kept */
    int processors;           /* engine starts in flight: about twice this */
    int64_t ready_timeout_ms; /* default deadline until first ready: 120,000 */
    orchestrator_transition_cb *on_transition;
    orchestrator_moment_cb *on_moment;
    loop_cb *on_reached; /* the engine has answered for the first time: before anything is made there */
    /* While it is followed: records may have changed. */
    loop_cb *on_change;
    /* orchestrator_is_idle() has become true. */
    loop_cb *on_idle;
    void *data;
    const struct orchestrator_hooks *hooks; /* NULL: all real; borrowed */
};

struct orchestrator;
struct orchestrator *orchestrator_new(const struct orchestrator_services *services);
/* Cancels what is in flight, frees processes (killing them), closes; on_closed runs once all is gone. */
void orchestrator_close(struct orchestrator *o, loop_cb *on_closed, void *data);

/* The answer to a request. error NULL: reached. report: for failures, JSON {resources: [{name, error,
 * lastLines, …}]}. */
typedef void orchestrator_done_cb(const struct error *error, const cJSON *report, void *data);
typedef uint64_t orchestrator_request; /* 0 is none */

struct orchestrator_apply {
    struct plan *plan;        /* owned by the orchestrator from now on */
    struct strlist resources; /* selection; empty: all that is not manual, or with `only` nothing */
    bool only;
    bool replace;       /* bare `up`: what the plan no longer has goes away */
    bool defaults_only; /* `run` without names: is_default nodes */
    bool force_recreate;
    bool wait_only_started;
    bool dry_run;       /* decides, reports, does nothing */
    bool names_only;    /* nobody's manifest: an empty plan that tells the project's name, before a down */
    int64_t timeout_ms; /* 0: default; < 0: none */
};
orchestrator_request orchestrator_apply(struct orchestrator *o, struct orchestrator_apply *apply,
                                        orchestrator_done_cb *done, void *data);

struct orchestrator_down {
    bool persistent; /* those too */
    bool volumes;
    bool kill; /* no mercy: KILL instead of the stop signal */
    int64_t timeout_ms;
};
/* Everything of the project: what this session started and what labels say an earlier one left. Works without
 * a plan. */
orchestrator_request orchestrator_down(struct orchestrator *o, const struct orchestrator_down *down,
                                       orchestrator_done_cb *done, void *data);

enum orchestrator_verb {
    ORCHESTRATOR_START,
    ORCHESTRATOR_STOP,
    ORCHESTRATOR_RESTART,
    ORCHESTRATOR_KILL,
    ORCHESTRATOR_CUT, /* off from the project's network, until … */
    ORCHESTRATOR_HEAL
};
struct orchestrator_control {
    enum orchestrator_verb verb;
    const struct strlist *resources; /* borrowed during the call */
    int signal;         /* kill: 0 is KILL (the resource stays down); others are only delivered */
    int64_t timeout_ms; /* 0 or less: none */
};
/* One resource live. Stop takes along what depends on it and start brings that back; start and restart end
 * when the resource is ready again, dependants included. Kill touches the resource alone. Cut is done at
 * once, its effect is the role ROLE_CUT_OFF; heal when the resource is ready again. */
orchestrator_request orchestrator_control(struct orchestrator *o, const struct orchestrator_control *control,
                                          orchestrator_done_cb *done, void *data);
struct orchestrator_wait {
    const struct strlist *resources; /* borrowed during the call; NULL or empty: all wanted */
    enum plan_until until;
    int64_t timeout_ms; /* 0: the default; < 0: none */
};
/* Done when all the resources have reached it. ERROR_NOT_RUNNING for one that nobody wants up. */
orchestrator_request orchestrator_wait(struct orchestrator *o, const struct orchestrator_wait *wait,
                                       orchestrator_done_cb *done, void *data);
/* Nothing is under way, and nothing is left that this session holds. */
bool orchestrator_is_idle(const struct orchestrator *o);
/* The request's client is gone: its done will not run; what it started goes on. */
void orchestrator_forget(struct orchestrator *o, orchestrator_request request);
/* Shortens every stop deadline: second Ctrl-C, lost lease. */
void orchestrator_hurry(struct orchestrator *o, bool kill);

/* Everything, as records that borrow from the orchestrator: to be freed before the loop turns. Secrets are
 * masked. */
struct view *orchestrator_snapshot(struct orchestrator *o);
/* The same as a document, which the caller deletes. */
cJSON *orchestrator_view(struct orchestrator *o);
/* As of which all is: see control/watch.h. */
int64_t orchestrator_rev(struct orchestrator *o);
void orchestrator_follow(struct orchestrator *o, bool is_followed);
/* What has changed after `since`; borrows as a snapshot does. False: that cannot be told, the whole is
 * wanted. */
bool orchestrator_changes(struct orchestrator *o, int64_t since, struct arena *arena,
                          struct view_changes *changes);
/* What consumers get. resources empty: exports of all referencable ones; for_resource: that node's own whole
 * environment.
 * {"NAME": {"value": …, "secret": bool, "resource": …}} or NULL with ERROR_NOT_RUNNING/…. */
cJSON *orchestrator_environment(struct orchestrator *o, const struct strlist *resources,
                                const char *for_resource, struct error *err);
/* argv, cwd, environment of a process resource (for `run TASK`, `exec`): {"argv","cwd","environment"};
 * containers: {"containerId","environment"}, on top of the container's own. A server's has what its clients
 * log in with. */
cJSON *orchestrator_exec_info(struct orchestrator *o, const char *resource, struct error *err);
/* Who waits for whom, and why: see control/details.h. */
cJSON *orchestrator_edges(struct orchestrator *o);
/* What a resource, or a node of that id, is made of; NULL with ERROR_NOT_RUNNING. */
cJSON *orchestrator_details(struct orchestrator *o, const char *resource, struct error *err);
/* Without the secrets that are known; the caller frees. */
char *orchestrator_mask(struct orchestrator *o, const char *text);
/* Every secret's value, for who takes them out of something. The caller deletes. */
cJSON *orchestrator_secrets(struct orchestrator *o);

#endif
