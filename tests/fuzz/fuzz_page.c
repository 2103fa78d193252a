/* room: dashboard */
/* Any bytes as what the page is told: text of a log, replies of a server, a view with its changes (two
 * documents, separated by a NUL), a cache entry. What goes out is JSON, and bytes that went in come back. */
#include "dashboard/redis_job.h"
#include "dashboard/redis_value.h"
#include "dashboard/text.h"
#include "base/mem.h"
#include "control/documents.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *bytes, size_t length)
{
    cleanup_strbuf struct strbuf out = {0};
    text_add(&out, bytes, length);
    cleanup_json cJSON *json = cJSON_ParseWithLength(out.data, out.length);
    if (!cJSON_IsString(json) || !str_is_utf8(out.data, out.length))
        abort();
}

static void check_bytes(const char *bytes, size_t length)
{
    size_t back = 0;
    cleanup_json cJSON *json = redis_json_bytes(bytes, length);
    cleanup_free char *again = redis_json_read_bytes(json, &back);
    if (!again || back != length || memcmp(again, bytes, length) != 0)
        abort();
}

static void check_replies(const char *bytes, size_t length)
{
    const struct resp_limits limits = {.depth = 32, .bulk = 1 << 16, .elements = 1 << 12, .total = 1 << 17};
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;
    resp_reader_feed(reader, bytes, length);
    while (resp_reader_next(reader, &reply) == 1) {
        cleanup_json cJSON *json = redis_json_reply(reply);
        cleanup_json cJSON *entry = redis_cache_entry(json);
        cleanup_free char *text = json_print(json);
        cleanup_json cJSON *again = cJSON_Parse(text);
        if (!again || (entry && !json_get(entry, "data")))
            abort();
        redis_json_int(json, 0);
        redis_json_error(json);
        resp_reply_free(reply);
    }
    resp_reader_free(reader);
}

static void check_changes(const char *text, size_t length)
{
    size_t first = strnlen(text, length);
    if (first == length)
        return;
    cleanup_json cJSON *view = json_parse(text, first, NULL);
    cleanup_json cJSON *changes = json_parse(text + first + 1, length - first - 1, NULL);
    int64_t rev = 0;
    if (cJSON_IsObject(view))
        document_take(&view, &rev, changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    check_text(bytes, size);
    check_bytes(bytes, size);
    check_replies(bytes, size);
    check_changes(bytes, size);
    return 0;
}
