/* The store as a whole: bodies in, room made. See otlp.h. */
#include "otlp/internal.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/pick.h"

#include <stdlib.h>

static NAMES(signal_names,
             OTLP_SIGNAL_COUNT, [OTLP_TRACES] = "traces", [OTLP_LOGS] = "logs", [OTLP_METRICS] = "metrics");

static const size_t usual_bytes[] = {
    [OTLP_TRACES] = 64 << 20,
    [OTLP_LOGS] = 32 << 20,
    [OTLP_METRICS] = 16 << 20,
};
EACH_OF(usual_bytes, OTLP_SIGNAL_COUNT);

const char *otlp_signal_name(enum otlp_signal signal)
{
    return names_text(&signal_names, signal);
}

const struct otlp_names *otlp_names(enum otlp_signal signal)
{
    static const struct otlp_names names[] = {
        [OTLP_TRACES] = {"resourceSpans", "scopeSpans", "spans"},
        [OTLP_LOGS] = {"resourceLogs", "scopeLogs", "logRecords"},
        [OTLP_METRICS] = {"resourceMetrics", "scopeMetrics", "metrics"},
    };
    EACH_OF(names, OTLP_SIGNAL_COUNT);
    return &names[signal];
}

struct otlp_store *otlp_store_new(const struct otlp_limits *limits)
{
    struct otlp_store *store = xcalloc(1, sizeof *store);
    for (size_t i = 0; i < OTLP_SIGNAL_COUNT; i++) {
        store->rings[i].limit = usual_bytes[i];
        if (limits)
            store->rings[i].limit = size_or(limits->bytes[i], usual_bytes[i]);
    }
    return store;
}

void otlp_store_free(struct otlp_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < OTLP_SIGNAL_COUNT; i++) {
        struct otlp_item *next;
        for (struct otlp_item *item = store->rings[i].oldest; item; item = next) {
            next = item->next;
            otlp_item_free(item);
        }
    }
    free(store);
}

int otlp_take(struct otlp_store *store, const struct otlp_body *body, struct error *err)
{
    const struct otlp_message *message = otlp_request_message(body->signal);
    cleanup_free char *unpacked = NULL;
    const void *bytes = body->bytes;
    size_t length = body->length;
    if (body->is_packed) {
        unpacked = otlp_inflate(bytes, length, OTLP_UNPACKED_LIMIT, &length, err);
        if (!unpacked)
            return -1;
        bytes = unpacked;
    }

    cleanup_json cJSON *tree = NULL;
    if (body->is_json)
        tree = otlp_from_json(message, bytes, length, err);
    else
        tree = otlp_from_wire(message, bytes, length, err);
    if (!tree)
        return -1;
    otlp_keep(store, body->signal, tree);
    return 0;
}

struct otlp_counts otlp_counts(const struct otlp_store *store, enum otlp_signal signal)
{
    const struct otlp_ring *ring = &store->rings[signal];
    return (struct otlp_counts){ring->received, ring->dropped, ring->kept, ring->bytes};
}
