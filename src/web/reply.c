/* Answers, and the headers that stand on every one of them. */
#include "web/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

#define POLICY                                                                                               \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "    \
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                       \
    "require-trusted-types-for 'script'; trusted-types apphost"

static const struct {
    const char *name, *value;
} fixed[] = {
    {"Content-Security-Policy", POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Connection", "close"},
};

#define JSON_TYPE "application/json"

static void add_attachment(struct MHD_Response *response, const char *name)
{
    cleanup_free char *value = xasprintf("attachment; filename=\"%s\"", name);
    MHD_add_response_header(response, "Content-Disposition", value);
}

void web_dress(struct MHD_Response *response, const struct web_reply *reply)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        MHD_add_response_header(response, fixed[i].name, fixed[i].value);
    MHD_add_response_header(response, "Content-Type", text_or(reply->type, JSON_TYPE));
    if (reply->etag) {
        MHD_add_response_header(response, "ETag", reply->etag);
        MHD_add_response_header(response, "Cache-Control", "no-cache");
    } else {
        MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    if (reply->is_packed)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (reply->cookie)
        MHD_add_response_header(response, "Set-Cookie", reply->cookie);
    if (reply->attachment)
        add_attachment(response, reply->attachment);
}

/* The client has it already. */
static bool is_known(const struct web_request *request, const char *etag)
{
    const char *known = web_head_value(&request->head, "if-none-match");
    return etag && known && strstr(known, etag);
}

void web_reply(struct web_request *request, const struct web_reply *reply)
{
    bool has_body = !is_known(request, reply->etag);
    request->status = reply->status;
    if (!request->status)
        request->status = MHD_HTTP_OK;

    if (!has_body) {
        request->status = MHD_HTTP_NOT_MODIFIED;
        free(reply->body);
        request->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else if (reply->body) {
        request->response =
            MHD_create_response_from_buffer(reply->length, reply->body, MHD_RESPMEM_MUST_FREE);
    } else {
        request->response = MHD_create_response_from_buffer(reply->length, (void *)(uintptr_t)reply->fixed,
                                                            MHD_RESPMEM_PERSISTENT);
    }
    web_dress(request->response, reply);
    web_daemon_wake(request);
}

void web_reply_json(struct web_request *request, int status, cJSON *json)
{
    char *text = json_print(json);
    cJSON_Delete(json);
    web_reply(request, &(struct web_reply){.status = status, .body = text, .length = strlen(text)});
}

static cJSON *refusal_json(const struct web_verdict *verdict)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "code", verdict->code);
    json_add_string(json, "message", verdict->text);
    json_add_string(json, "hint", verdict->hint);
    return json;
}

void web_reply_refusal(struct web_request *request, const struct web_verdict *verdict)
{
    web_reply_json(request, verdict->status, refusal_json(verdict));
}

char *web_refusal_bytes(const struct web_verdict *verdict, size_t *length)
{
    cleanup_json cJSON *json = refusal_json(verdict);
    cleanup_free char *body = json_print(json);
    struct strbuf out = {0};

    strbuf_addf(&out, "HTTP/1.1 %d %s\r\n", verdict->status,
                MHD_get_reason_phrase_for((unsigned)verdict->status));
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        strbuf_addf(&out, "%s: %s\r\n", fixed[i].name, fixed[i].value);
    strbuf_addf(&out,
                "Cache-Control: no-store\r\nContent-Type: " JSON_TYPE "\r\nContent-Length: %zu\r\n\r\n%s",
                strlen(body), body);
    *length = out.length;
    return strbuf_take(&out);
}
