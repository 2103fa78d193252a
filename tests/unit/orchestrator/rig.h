/* An orchestrator on the fake engine and on virtual time, with a state folder of its own: opened, killed,
 * opened again on the same world. */
#ifndef TESTS_ORCHESTRATOR_RIG_H
#define TESTS_ORCHESTRATOR_RIG_H

#include "fake.h"
#include "outcome.h"
#include "plans.h"

#define RIG_IMAGE "redis:7"

struct rig {
    struct loop loop;
    struct fake fake;
    struct engine *engine;
    struct state *state;
    struct orchestrator *orchestrator;
    char folder[64];
    struct strlist transitions; /* "node state" */
    int idles, changes, sessions, reached;
    enum orchestrator_left left; /* for the next rig_open() */
    struct outcome outcome;
    orchestrator_request request; /* whose answer that is */
};

/* The image is there already. */
void rig_init(struct rig *rig);
void rig_fini(struct rig *rig);
/* The one that most tests need: initialised and open. And its end: everything goes down, and nothing is left.
 */
struct rig *rig_fresh(void);
void rig_end(struct rig *rig);
/* Opens engine and orchestrator as a new session on what the world holds. */
void rig_open(struct rig *rig);
/* As kill -9 would: nothing more is asked of the engine; processes are swept. */
void rig_kill(struct rig *rig);
/* Kills, throws the state folder away, opens. */
void rig_lose_state(struct rig *rig);

/* Lets virtual time go on until the flag is set (or the world is dead); false when the limit came first. */
bool rig_await(struct rig *rig, const bool *flag, int64_t limit_ms);
void rig_pass(struct rig *rig, int64_t ms);

/* Start a request whose answer arrives in rig->outcome; the one before is forgotten. */
void rig_apply(struct rig *rig, struct orchestrator_apply *apply);
void rig_up(struct rig *rig, struct plan *plan); /* a bare up */
void rig_down(struct rig *rig, bool everything);
void rig_control(struct rig *rig, enum orchestrator_verb verb, const char *resource);
/* … and wait for it: the error's code. */
enum error_code rig_answer(struct rig *rig);
/* Asserts success, printing the error otherwise. */
void rig_ok(struct rig *rig);

/* From the view; "absent" when the resource is not in it. Borrowed until the next call. */
const char *rig_state(struct rig *rig, const char *resource);
const char *rig_decision(struct rig *rig, const char *resource);
bool rig_saw(const struct rig *rig, const char *transition);
/* Position of the first such transition, or -1. */
int rig_when(const struct rig *rig, const char *transition);
void rig_forget(struct rig *rig);
/* Nothing is left in the world: containers, networks, volumes, processes. */
bool rig_is_empty(const struct rig *rig);

#endif
