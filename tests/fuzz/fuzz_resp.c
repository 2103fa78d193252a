/* Any bytes as a server's answer, cut where the first byte says: no crash, no leak, and the cut never
 * matters. */
#include "resp/resp.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_replies(const uint8_t *data, size_t size, size_t step)
{
    const struct resp_limits limits = {.depth = 8, .bulk = 4096, .elements = 1024, .total = 8192};
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;
    int count = 0, rc = 0;

    for (size_t at = 0; reader && at < size && rc >= 0; at += step) {
        resp_reader_feed(reader, data + at, size - at < step ? size - at : step);
        while ((rc = resp_reader_next(reader, &reply)) > 0) {
            resp_reply_free(reply);
            count++;
        }
    }
    resp_reader_free(reader);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = data[0] % 16 + 1u;
    if (count_replies(data + 1, size - 1, step) != count_replies(data + 1, size - 1, size))
        abort();
    return 0;
}
