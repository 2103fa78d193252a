/* What the files of this room share: what is kept. */
#ifndef OTLP_INTERNAL_H
#define OTLP_INTERNAL_H

#include "otlp/messages.h"

enum { OTLP_ID = 33 };

/* What the items of one sender's one library have in common; as many hold it as there are items. */
struct otlp_source {
    size_t holders;
    char *service;          /* service.name, or "" */
    char *resource, *scope; /* JSON */
    size_t size;
};

/* A span, a log record, or a metric with its points. */
struct otlp_item {
    struct otlp_item *next; /* the newer one */
    struct otlp_source *source;
    uint64_t begin_ns, end_ns;
    char trace[OTLP_ID], span[OTLP_ID], parent[OTLP_ID];
    int severity;
    bool is_failed;
    char *name;
    char *json;
    size_t size;
};

struct otlp_ring {
    struct otlp_item *oldest, *newest;
    size_t bytes, limit;
    uint64_t received, dropped, kept;
};

struct otlp_store {
    struct otlp_ring rings[OTLP_SIGNAL_COUNT];
};

/* Names in OTLP/JSON. */
struct otlp_names {
    const char *resources, *scopes, *items;
};
const struct otlp_names *otlp_names(enum otlp_signal signal);

/* ---- item.c ---- */
/* The tree of a body into the ring. */
void otlp_keep(struct otlp_store *store, enum otlp_signal signal, const cJSON *tree);
void otlp_item_free(struct otlp_item *item);

/* ---- query.c ---- */
bool otlp_passes(const struct otlp_item *item, const struct otlp_filter *filter);
/* The newest `limit` that pass, the oldest of them first; the caller frees the list, not the items. */
const struct otlp_item **otlp_choose(const struct otlp_ring *ring, const struct otlp_filter *filter,
                                     size_t *count);

#endif
