/*
 * Inside the library: the envelope that HybridCache of .NET puts around a value in a distributed cache, so
 * that both read each other's entries. Pure functions.
 *
 *     03 01, two bytes by chance, the moment of creation (ticks, little-endian),
 *     flags, length of the data, duration in ticks, number of tags (each 7 bits a byte, the lowest first),
 *     key, tags (each a length and UTF-8), data, 03 01
 *
 * That there is no value is an envelope too, without data and between 83 01: .NET does not know that one, and
 * has a miss. A second version, 03 02, may have one more number after the duration; it is read.
 */
#ifndef CLIENT_CACHE_PAYLOAD_H
#define CLIENT_CACHE_PAYLOAD_H

#include <apphost/cache.h>

struct payload {
    int64_t created, duration; /* ticks */
    struct apphost_bytes key, data;
    struct apphost_bytes tags; /* as they are written, one after the other */
    size_t tag_count;
    bool is_nothing;
};

/* For free(3); NULL when memory is out. */
void *payload_encode(const struct payload *payload, const struct apphost_bytes *tags, size_t *len);

/* Points into the bytes. False: this is none. */
bool payload_decode(struct payload *payload, const void *data, size_t len);

/* The tag at *at, which begins at 0; false after the last. */
bool payload_next_tag(const struct payload *payload, size_t *at, struct apphost_bytes *tag);

#endif
