/* Any bytes as an export: no crash, no leak; what was taken is kept within its bounds and reads back as
 * OTLP/JSON that means the same. The first byte says which signal, in what form. */
#include "otlp/messages.h"
#include "otlp/otlp.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 << 10 };

static char *again(const struct otlp_message *message, const char *text)
{
    cleanup_json cJSON *tree = otlp_from_json(message, text, strlen(text), NULL);
    if (!tree)
        abort();
    return json_print(tree);
}

/* Both readers agree, and reading twice changes nothing. */
static void check_tree(const struct otlp_message *message, cJSON *tree)
{
    if (!tree)
        return;
    cleanup_free char *once = json_print(tree);
    cleanup_free char *twice = again(message, once);
    if (strcmp(once, twice))
        abort();
    cJSON_Delete(tree);
}

static void check_answers(const struct otlp_store *store, enum otlp_signal signal)
{
    const struct otlp_filter filter = {0};
    size_t length = 0;
    if (otlp_counts(store, signal).bytes > ROOM)
        abort();
    cleanup_free char *text = otlp_items(store, signal, &filter, &length);
    cleanup_json cJSON *items = json_parse(text, length, NULL);
    cleanup_json cJSON *traces = otlp_traces(store, &filter);
    cleanup_json cJSON *metrics = otlp_metric_names(store, &filter);
    if (!items || !traces || !metrics)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct otlp_limits limits = {{ROOM, ROOM, ROOM}};
    if (size < 1)
        return 0;
    struct otlp_store *store = otlp_store_new(&limits);
    const struct otlp_body body = {
        .signal = (enum otlp_signal)(data[0] % OTLP_SIGNAL_COUNT),
        .is_json = data[0] & 0x40,
        .is_packed = data[0] & 0x80,
        .bytes = data + 1,
        .length = size - 1,
    };
    const struct otlp_message *message = otlp_request_message(body.signal);

    otlp_take(store, &body, NULL);
    check_answers(store, body.signal);
    check_tree(message, otlp_from_wire(message, body.bytes, body.length, NULL));
    check_tree(message, otlp_from_json(message, body.bytes, body.length, NULL));
    otlp_store_free(store);
    return 0;
}
