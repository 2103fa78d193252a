/* The envelope of HybridCache. See payload.h. */
#include "client_cache/payload.h"
#include "client_base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    SENTINEL = 0x03,
    SENTINEL_NOTHING = 0x83,
    VERSION_1 = 1,
    VERSION_2 = 2,
    FIXED = 12,
    TAIL = 2,
    LONGEST_NUMBER = 10,
    HAS_SIZE = 1
};

/* ---- Writing ---- */

static unsigned char *put_number(unsigned char *at, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        *at++ = (unsigned char)(value | 0x80);
    *at++ = (unsigned char)value;
    return at;
}

static unsigned char *put_bytes(unsigned char *at, struct apphost_bytes bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static unsigned char *put_text(unsigned char *at, struct apphost_bytes text)
{
    return put_bytes(put_number(at, text.len), text);
}

static unsigned char *put_sentinel(unsigned char *at, bool is_nothing)
{
    *at++ = is_nothing ? SENTINEL_NOTHING : SENTINEL;
    *at++ = VERSION_1;
    return at;
}

static unsigned char *put_head(unsigned char *at, const struct payload *payload)
{
    uint64_t chance = clock_random(0x10000);

    at = put_sentinel(at, payload->is_nothing);
    *at++ = (unsigned char)chance;
    *at++ = (unsigned char)(chance >> 8);
    for (int i = 0; i < 8; i++)
        *at++ = (unsigned char)((uint64_t)payload->created >> 8 * i);
    return at;
}

void *payload_encode(const struct payload *payload, const struct apphost_bytes *tags, size_t *len)
{
    size_t most = FIXED + TAIL + 5 * (size_t)LONGEST_NUMBER + payload->key.len + payload->data.len;

    for (size_t i = 0; i < payload->tag_count; i++)
        most += LONGEST_NUMBER + tags[i].len;
    unsigned char *bytes = malloc(most);
    if (!bytes)
        return NULL;

    unsigned char *at = put_head(bytes, payload);
    at = put_number(at, 0);
    at = put_number(at, payload->data.len);
    at = put_number(at, (uint64_t)payload->duration);
    at = put_number(at, payload->tag_count);
    at = put_text(at, payload->key);
    for (size_t i = 0; i < payload->tag_count; i++)
        at = put_text(at, tags[i]);
    at = put_sentinel(put_bytes(at, payload->data), payload->is_nothing);
    *len = (size_t)(at - bytes);
    return bytes;
}

/* ---- Reading ---- */

struct cursor {
    const unsigned char *at, *end;
    bool is_bad;
};

static uint64_t take_number(struct cursor *cursor)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        unsigned char byte = *cursor->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    cursor->is_bad = true;
    return 0;
}

static struct apphost_bytes take_bytes(struct cursor *cursor, uint64_t len)
{
    struct apphost_bytes bytes = {cursor->at, (size_t)len};

    if (cursor->is_bad || len > (uint64_t)(cursor->end - cursor->at)) {
        cursor->is_bad = true;
        return (struct apphost_bytes){cursor->at, 0};
    }
    cursor->at += len;
    return bytes;
}

static struct apphost_bytes take_text(struct cursor *cursor)
{
    return take_bytes(cursor, take_number(cursor));
}

static int64_t take_moment(struct cursor *cursor)
{
    uint64_t moment = 0;

    for (int i = 0; i < 8; i++)
        moment |= (uint64_t)*cursor->at++ << 8 * i;
    return (int64_t)moment;
}

/* What comes after the fixed part, up to the data. */
static uint64_t take_head(struct cursor *cursor, struct payload *payload)
{
    uint64_t flags = take_number(cursor), len = take_number(cursor);

    payload->duration = (int64_t)take_number(cursor);
    if (flags & HAS_SIZE)
        take_number(cursor);
    payload->tag_count = (size_t)take_number(cursor);
    payload->key = take_text(cursor);
    const unsigned char *tags = cursor->at;
    for (size_t i = 0; i < payload->tag_count && !cursor->is_bad; i++)
        take_text(cursor);
    payload->tags = (struct apphost_bytes){tags, (size_t)(cursor->at - tags)};
    return len;
}

static bool is_sentinel(const unsigned char *bytes)
{
    return (bytes[0] == SENTINEL || bytes[0] == SENTINEL_NOTHING) && bytes[1] >= VERSION_1 &&
           bytes[1] <= VERSION_2;
}

bool payload_decode(struct payload *payload, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    struct cursor cursor = {bytes, bytes + len, false};

    *payload = (struct payload){0};
    if (len < FIXED + TAIL || !is_sentinel(bytes))
        return false;
    payload->is_nothing = bytes[0] == SENTINEL_NOTHING;
    cursor.at += 4;
    payload->created = take_moment(&cursor);
    uint64_t data_len = take_head(&cursor, payload);

    payload->data = take_bytes(&cursor, data_len);
    return !cursor.is_bad && payload->duration >= 0 && payload->created >= 0 &&
           payload->duration <= INT64_MAX - payload->created && cursor.end - cursor.at == TAIL &&
           memcmp(cursor.at, bytes, TAIL) == 0;
}

bool payload_next_tag(const struct payload *payload, size_t *at, struct apphost_bytes *tag)
{
    const unsigned char *tags = payload->tags.data;
    struct cursor cursor = {tags + *at, tags + payload->tags.len, false};

    if (*at >= payload->tags.len)
        return false;
    *tag = take_text(&cursor);
    *at = (size_t)(cursor.at - tags);
    return !cursor.is_bad;
}
