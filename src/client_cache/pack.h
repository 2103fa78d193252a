/*
 * Inside the library: values that are compressed, as they stand in Redis: a magic of eight bytes, the size of
 * the value (little-endian), a frame of zstd with its checksum. Whoever reads with this library gets the
 * value; bytes that begin with the magic and are no such value are given as they are.
 */
#ifndef CLIENT_CACHE_PACK_H
#define CLIENT_CACHE_PACK_H

#include <apphost/cache.h>

/* For free(3), in *len bytes; NULL where that would not be smaller, or memory is out: then it goes as it is.
 */
void *pack(struct apphost_bytes data, size_t *len);

/* 1 with the value, which owns its bytes; 0: it was not compressed; -1 memory is out. */
int unpack(struct apphost_bytes data, struct apphost_value *value);

#endif
