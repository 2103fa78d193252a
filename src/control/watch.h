/* What `watch` tells besides transitions: the records that changed, each time with a revision to go on from.
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
 * Ownership as in view.h. */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include "control/view.h"

struct ask_watch {
    bool records;
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

#endif
