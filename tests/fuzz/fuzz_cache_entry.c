/* room: client */
/* Any bytes as what a cache finds in Redis: the value as such, compressed, and in HybridCache's envelope, and
 * as the two times beside it. The first byte says how much of the rest is absexp. No crash, no leak, and what
 * was read lies inside of what was given; what is written is read again. */
#include "client_cache/entry.h"
#include "client_cache/pack.h"
#include "client_cache/payload.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct apphost_bytes part, const uint8_t *data, size_t size)
{
    const uint8_t *start = part.data;

    if (part.len && (start < data || start + part.len > data + size))
        abort();
}

static void read_payload(const uint8_t *data, size_t size)
{
    struct payload payload;
    struct apphost_bytes tag;
    size_t at = 0, count = 0;

    if (!payload_decode(&payload, data, size))
        return;
    check_inside(payload.key, data, size);
    check_inside(payload.data, data, size);
    check_inside(payload.tags, data, size);
    while (payload_next_tag(&payload, &at, &tag)) {
        check_inside(tag, data, size);
        count++;
    }
    if (count != payload.tag_count)
        abort();
}

static void read_packed(struct apphost_bytes bytes)
{
    struct apphost_value value = {0};
    size_t len = 0;

    if (unpack(bytes, &value) > 0)
        apphost_value_free(&value);
    void *packed = pack(bytes, &len);
    if (!packed)
        return;
    if (unpack((struct apphost_bytes){packed, len}, &value) != 1 || value.len != bytes.len ||
        memcmp(value.data, bytes.data, bytes.len) != 0)
        abort();
    apphost_value_free(&value);
    free(packed);
}

static struct resp_reply text_of(char *text, size_t len)
{
    return (struct resp_reply){.type = RESP_STRING, .str = text, .len = len};
}

static void read_times(char *text, size_t len, size_t cut)
{
    char *absolute = strndup(text, cut), *sliding = strndup(text + cut, len - cut);
    const struct resp_reply one = text_of(absolute, strlen(absolute)),
                            two = text_of(sliding, strlen(sliding));
    struct apphost_error error;
    struct entry_times times;
    int64_t ttl_ms;
    char number[24];

    if (entry_decode(&one, &two, &times, &error) == 0) {
        if (entry_slide(&times, 1700000000000, &ttl_ms))
            entry_expire_command(ttl_ms, number);
        if (times.absolute_ticks != ENTRY_NONE)
            entry_left(&times, 1700000000000);
    }
    free(absolute);
    free(sliding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *text = malloc(size);
    size_t len = size - 1;
    if (!text)
        abort();
    memcpy(text, data + 1, len);
    text[len] = '\0';
    read_payload(data + 1, len);
    read_packed((struct apphost_bytes){text, len});
    read_times(text, len, data[0] % len);
    free(text);
    return 0;
}
