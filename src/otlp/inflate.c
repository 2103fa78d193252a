/* A packed body: gzip, with an end to what it may become. Whatever it says of itself, no more is unpacked
 * than the limit, and the memory for it grows with what has come out. */
#include "otlp/messages.h"

#include "base/mem.h"
#include "base/str.h"
#include "library/zlib.h"

enum { CHUNK = 64 << 10, GZIP = 16 };

static int unpack(z_stream *stream, struct strbuf *out, size_t limit, struct error *err)
{
    cleanup_free char *chunk = xmalloc(CHUNK);
    int rc = Z_OK;

    while (rc == Z_OK) {
        stream->next_out = (Bytef *)chunk;
        stream->avail_out = CHUNK;
        rc = inflate(stream, Z_NO_FLUSH);
        size_t length = CHUNK - stream->avail_out;
        if (out->length + length > limit)
            return error_set(err, ERROR_SPACE, "unpacked, it is larger than %zu bytes", limit);
        strbuf_add(out, chunk, length);
        if (rc == Z_OK && !length && !stream->avail_in)
            break;
    }
    if (rc == Z_STREAM_END)
        return 0;
    return error_set(err, ERROR_USAGE, "the body is no whole gzip");
}

char *otlp_inflate(const void *bytes, size_t length, size_t limit, size_t *out_length, struct error *err)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    struct strbuf out = {.limit = limit + 1};
    if (libz_open(err) < 0)
        return NULL;
    if (inflateInit2(&stream, GZIP + MAX_WBITS) != Z_OK) {
        error_set(err, ERROR_FAILED, "zlib does not start");
        return NULL;
    }

    int failed = unpack(&stream, &out, limit, err);
    inflateEnd(&stream);
    *out_length = out.length;
    if (!failed)
        return strbuf_take(&out);
    strbuf_free(&out);
    return NULL;
}
