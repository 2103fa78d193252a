/* Inside the library: making values of the caller's. */
#ifndef CLIENT_CACHE_VALUE_H
#define CLIENT_CACHE_VALUE_H

#include <apphost/cache.h>

/* A value with room for so many bytes, and a NUL after them. 0, -1. */
int value_new(struct apphost_value *value, size_t len);

/* A value that owns a copy of these bytes. */
int value_copy(struct apphost_value *value, const void *data, size_t len);

#endif
