/* Compressing values, by libzstd. See pack.h. */
#include "client_cache/pack.h"
#include "client_cache/value.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { HEAD = 16, LEVEL = 3 };
#define LARGEST ((size_t)512 << 20)

static const unsigned char magic[8] = {0x9f, 'A', 'P', 'P', 'Z', 0x01, 0xf3, 0x0d};

static void put_size(unsigned char *at, size_t size)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)size >> 8 * i);
}

static size_t size_at(const unsigned char *at)
{
    uint64_t size = 0;

    for (int i = 0; i < 8; i++)
        size |= (uint64_t)at[i] << 8 * i;
    return (size_t)size;
}

/* The bytes of the frame; 0. */
static size_t compress(struct apphost_bytes data, unsigned char *frame, size_t room)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();

    if (!context)
        return 0;
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t len = ZSTD_compress2(context, frame, room, data.data, data.len);
    ZSTD_freeCCtx(context);
    if (ZSTD_isError(len))
        return 0;
    return len;
}

/* What does not become smaller finds no room. */
void *pack(struct apphost_bytes data, size_t *len)
{
    unsigned char *bytes = NULL;

    if (data.len > HEAD + 1)
        bytes = malloc(data.len);
    if (!bytes)
        return NULL;
    size_t frame = compress(data, bytes + HEAD, data.len - HEAD - 1);
    if (frame == 0) {
        free(bytes);
        return NULL;
    }
    memcpy(bytes, magic, sizeof(magic));
    put_size(bytes + sizeof(magic), data.len);
    *len = HEAD + frame;
    return bytes;
}

int unpack(struct apphost_bytes data, struct apphost_value *value)
{
    const unsigned char *bytes = data.data;

    if (data.len <= HEAD || memcmp(bytes, magic, sizeof(magic)) != 0)
        return 0;
    size_t size = size_at(bytes + sizeof(magic));
    if (size > LARGEST || ZSTD_getFrameContentSize(bytes + HEAD, data.len - HEAD) != size)
        return 0;
    if (value_new(value, size) < 0)
        return -1;
    if (ZSTD_decompress((char *)value->data, size, bytes + HEAD, data.len - HEAD) == size)
        return 1;
    apphost_value_free(value);
    return 0;
}
