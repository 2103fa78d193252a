/* A container engine in the same process, at the level of HTTP: method, path, body, status, JSON. The world
 * (containers, networks, volumes, images) outlives the transports that talk to it, so that an orchestrator
 * can be killed at any request and another one be put on what it left.
 *
 * A request has two moments: its effect, and its answer a millisecond later. kill_at = n kills at the n-th
 * request since fake_arm(): before its effect, or between effect and answer. From then on nothing is answered
 * any more (dead). fake_trouble() instead lets things happen to a request whose sender lives on: it is
 * dropped, swallowed, refused; the limits of requests are kept. Time is the loop's. The answers were checked
 * against Engine 20.10 by the contract of room engine/ (test_contract.c).
 *
 * Also here: processes and probes for virtual time. A fake process' script (argv[2]) says what it does: "exit
 * CODE after MS", "stubborn" (only KILL ends it), anything else runs until it is stopped. A fake probe asks
 * the world whether a running container has the port and the password. */
#ifndef TESTS_ORCHESTRATOR_FAKE_H
#define TESTS_ORCHESTRATOR_FAKE_H

#include "engine/engine.h"
#include "orchestrator/orchestrator.h"

struct fake_container {
    char id[65], name[128], state[12], network[65];
    cJSON *body; /* of its create call */
    bool running, oom;
    int exit_code;
    int ports[8], port_count;
    struct fake_container *prev, *next;
};
struct fake_object { /* a network or a volume */
    char id[128], name[128];
    cJSON *labels;
    struct fake_object *prev, *next;
};
enum fake_kill { FAKE_KILL_BEFORE, FAKE_KILL_AFTER };
/* What may happen to a request whose sender lives on. */
enum fake_fault {
    FAKE_SILENT, /* no effect, no answer */
    FAKE_MUTE,   /* its effect, no answer */
    FAKE_DROP,   /* no effect, the connection is cut */
    FAKE_LOSE,   /* its effect, the connection is cut */
    FAKE_REFUSE, /* no effect, status 500 */
    FAKE_FAULT_COUNT
};
struct fake_trouble {
    int at;                    /* the n-th request since fake_trouble(); 0: all that … */
    const char *method, *part; /* … have this method and this in their path; NULL: any */
    enum fake_fault fault;
    bool on;
    bool deaf; /* and nobody is told of events */
};

struct fake {
    struct loop *loop;
    struct fake_container *containers;
    struct fake_object *networks, *volumes;
    struct strlist images, pullable;
    bool taken[65536];        /* host ports that somebody else has */
    bool deaf;                /* no probe succeeds */
    const char *published_at; /* the only host where ports are; NULL: any */
    bool has_squatters;  /* at any other host a stranger takes connections on each port, and knows no PING */
    bool refuses;        /* the engine is not running */
    const char *crasher; /* containers with this in their name end right after their start … */
    int crash_code;
    const char *gateway;     /* of all networks; NULL: the engine tells none */
    bool is_elsewhere;       /* and it is no address of this machine */
    const char *start_error; /* what every start answers with status 500; NULL: works */
    int requests, kill_at;
    enum fake_kill kill;
    struct fake_trouble trouble;
    int troubled; /* requests that it hit */
    bool dead;
    int live_processes, spawned, effects;
    int most_starts;    /* in flight at once */
    struct strlist log; /* "POST /containers/create?name=x", without the version */
    struct fake_call *calls;
    struct fake_process *processes;
    struct fake_watch *watches;
    uint64_t serial;
};

void fake_init(struct fake *fake, struct loop *loop);
void fake_fini(struct fake *fake);
/* A new way to the engine; the engine room owns it. */
struct http_transport *fake_transport(struct fake *fake);
/* The n-th request from now on kills (0: none); revives a dead world. */
void fake_arm(struct fake *fake, int n, enum fake_kill kill);
/* From now on; the requests are counted anew. {0} ends it. */
void fake_trouble(struct fake *fake, struct fake_trouble trouble);
/* Requests from now on, without the event stream and followed logs. */
void fake_forget(struct fake *fake);
int fake_count(const struct fake *fake);

struct fake_container *fake_find(struct fake *fake, const char *name_or_id);
int fake_container_count(const struct fake *fake);
/* A container ends by itself. */
void fake_crash(struct fake *fake, struct fake_container *container, int exit_code, bool oom);
/* Somebody else removes it. */
void fake_destroy(struct fake *fake, struct fake_container *container);
/* The engine goes away (streams and calls are cut) and comes back; containers keep running. */
void fake_engine_gone(struct fake *fake);
void fake_engine_back(struct fake *fake);

/* A file changed: everybody who watches hears of it. Returns how many do. */
int fake_change(struct fake *fake, const char *path);

/* For struct orchestrator_services. */
extern const struct orchestrator_hooks fake_hooks;
/* The one world that fake processes and probes belong to. */
void fake_hooks_world(struct fake *fake);

#endif
