/* Answers that go on: what is written waits here until libmicrohttpd asks for it; when nothing waits, its
 * connection sleeps. */
#include "web/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16 << 10, DEFAULT_LIMIT = 1 << 20 };

static void stream_free(void *data)
{
    struct web_stream *stream = data;
    strbuf_free(&stream->waiting);
    free(stream);
}

/* The client, or the server, is gone. */
void web_stream_lost(struct web_stream *stream)
{
    loop_cb *on_gone = stream->options.on_gone;
    bool was_over = stream->is_over;
    stream->request->stream = NULL;
    stream->request = NULL;
    stream->is_over = true;
    if (!was_over && on_gone)
        on_gone(stream->options.data);
}

static ssize_t give(void *data, uint64_t position, char *into, size_t size)
{
    struct web_stream *stream = data;
    struct web_request *request = stream->request;
    size_t count = size_min(size, stream->waiting.length);
    (void)position;
    if (!request)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (count) {
        memcpy(into, stream->waiting.data, count);
        strbuf_consume(&stream->waiting, count);
        if (!stream->waiting.length && !stream->is_over && stream->options.on_drain)
            stream->options.on_drain(stream->options.data);
        return (ssize_t)count;
    }
    if (stream->is_over)
        return MHD_CONTENT_READER_END_OF_STREAM;

    request->is_suspended = true;
    MHD_suspend_connection(request->mhd);
    return 0;
}

struct web_stream *web_reply_stream(struct web_request *request, const struct web_stream_options *options)
{
    struct web_stream *stream = xcalloc(1, sizeof *stream);
    *stream = (struct web_stream){.request = request, .options = *options};
    stream->options.limit = size_or(options->limit, DEFAULT_LIMIT);
    stream->waiting.limit = stream->options.limit;
    request->stream = stream;
    request->status = MHD_HTTP_OK;
    request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give, stream, stream_free);
    web_dress(request->response,
              &(struct web_reply){.type = options->type, .attachment = options->attachment});
    web_daemon_wake(request);
    return stream;
}

bool web_stream_write(struct web_stream *stream, const void *bytes, size_t length)
{
    if (stream->is_over || stream->waiting.length + length >= stream->options.limit ||
        !strbuf_add(&stream->waiting, bytes, length))
        return false;
    web_daemon_wake(stream->request);
    return true;
}

size_t web_stream_waiting(const struct web_stream *stream)
{
    return stream->waiting.length;
}

void web_stream_end(struct web_stream *stream)
{
    stream->is_over = true;
    if (stream->request)
        web_daemon_wake(stream->request);
}
