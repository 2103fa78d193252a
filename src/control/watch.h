/* What `watch` tells besides transitions: the records that changed, and what happened, each time with a
 * revision to go on from.
 *
 * Whoever asks with `records` gets the whole view first, and from then on only what changed:
 *   {"id","type":"view","rev","session","view":{…}}
 *   {"id","type":"changes","rev","session","engine":{…}?,"resources":[…],"others":[…],"gone":[ids]}
 * A record stands there whole, in the form of the view. `gone` has ids of nodes of which nothing is left. One
 * number counts transitions and changes alike; `rev` is the state that the client knows after the message.
 * One that comes back asks with `session` and `since`, the rev that it had: it gets what changed meanwhile,
 * be it nothing, or the view when that cannot be told (another session, too much has gone). So a message of
 * one of the two types always comes first. To a client that reads slowly nothing is queued but what it has
 * not read yet: it gets everything that changed until then in one message, and no message is ever lost.
 *
 * Whoever asks with `moments` gets what happened, in the order in which it ended, and no single transitions:
 *   {"id","type":"moments","rev","session","from","items":[…]}
 * An item is a transition, or
 * {"type":"goal"|"request","rev","resource"?,"replicaOf"?,"node","name","waits"?,"beginUs","elapsedUs"}: a
 * row that was worked on, an operation at the engine or on a process; microseconds since 1970. The supervisor
 * remembers the last few thousand (but the progress of pulls): who asks without `session` and `since` gets
 * all of them first. `from`: nothing is missing that came after this revision. `history` answers with one
 * such message.
 *
 * Ownership as in view.h. */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include "control/view.h"

struct ask_watch {
    bool records, moments;
    const char *session; /* whose rev it is */
    int64_t since;
};
RECORD_OF(ask_watch_record, struct ask_watch);

struct view_changes {
    int64_t id; /* the request's */
    enum view_news type;
    int64_t rev;
    const char *session;
    const struct view_engine *engine; /* NULL: as it was */
    struct view_resource *resources, *others;
    size_t resource_count, other_count;
    const char **gone;
    size_t gone_count;
    const cJSON *view; /* NEWS_VIEW: the whole, instead */
};
cJSON *view_changes_to_json(const struct view_changes *changes);
/* Strings lie in the arena; borrows the JSON. */
int view_changes_read(const cJSON *json, struct arena *arena, struct view_changes *changes,
                      struct error *err);

/* A span of a node's time that is over. */
struct view_moment {
    enum view_news type; /* NEWS_GOAL, NEWS_REQUEST */
    int64_t rev;
    const char *resource, *replica_of, *node;
    const char *name; /* the row's, or the operation's */
    bool waits;       /* a row in which it waited for others */
    int64_t begin_us, elapsed_us;
};
cJSON *moment_to_json(const struct view_moment *moment);
/* -1: it is none, but maybe a transition. */
int moment_read(const cJSON *json, struct arena *arena, struct view_moment *moment);

struct view_moments {
    int64_t id;
    enum view_news type;
    int64_t rev;
    const char *session;
    int64_t from;
    const cJSON *items;
};
cJSON *view_moments_to_json(const struct view_moments *moments);
int view_moments_read(const cJSON *json, struct arena *arena, struct view_moments *moments,
                      struct error *err);

#endif
