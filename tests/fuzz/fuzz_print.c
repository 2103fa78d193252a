/* room: console */
/* Any replies of a server, printed in each form: no crash, no leak, nothing that speaks to a terminal where
 * people read, and one JSON document on one line where programs do. */
#include "console/redis_print.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terminal(const struct strbuf *out)
{
    for (size_t i = 0; i < out->length; i++)
        if ((unsigned char)out->data[i] < 0x20 && !strchr("\t\n", out->data[i]))
            abort();
}

static void check_json(const struct strbuf *out)
{
    if (!out->length || memchr(out->data, '\n', out->length) != out->data + out->length - 1)
        abort();
    cleanup_json cJSON *document = cJSON_ParseWithLength(out->data, out->length);
    if (!document)
        abort();
}

static void print(const struct resp_reply *reply)
{
    for (int form = REDIS_FORM_TTY; form <= REDIS_FORM_JSON; form++) {
        cleanup_strbuf struct strbuf out = {0};
        redis_print(&out, reply, (enum redis_form)form);
        if (form == REDIS_FORM_TTY)
            check_terminal(&out);
        if (form == REDIS_FORM_JSON)
            check_json(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct resp_limits limits = {.depth = 32, .bulk = 1 << 16, .elements = 1 << 12, .total = 1 << 17};
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;
    resp_reader_feed(reader, data, size);
    while (resp_reader_next(reader, &reply) == 1) {
        print(reply);
        resp_reply_free(reply);
    }
    resp_reader_free(reader);
    return 0;
}
