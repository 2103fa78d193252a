/* Inside of the http room: the real transport, its two libcurl multi handles, and a call.
 *
 * No callback of ours runs inside libcurl: its own callbacks only collect (bytes, "head arrived", the result)
 * and put the call on the transport's ready list; http_dispatch() then tells the callers, after libcurl has
 * returned. That is why callers may start, cancel and close from any callback. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/str.h"
#include "http/http.h"
#include "library/curl.h"

/* A libcurl multi handle driven by uv_poll and one timer of the loop. */
struct http_multi {
    struct real_transport *transport;
    CURLM *multi;
    struct timer timer;
};

struct real_transport {
    struct http_transport base; /* first: the interface's pointer is ours */
    struct loop *loop;
    struct http_multi calls_multi, streams_multi;
    char *name; /* for error texts: "unix:///path" or the URL */
    char *unix_path, *url, *ca_file, *cert_file, *key_file;
    char *lookup_host; /* a host name that has to be resolved, or NULL */
    int lookup_port;
    bool skip_verify;
    struct http_call *calls;   /* all */
    struct http_call *ready;   /* those with something to tell */
    struct http_call *current; /* the one being told; NULL once it was cancelled */
    int handles;               /* polls and look-ups that are not closed yet */
    bool closing;
    loop_cb *on_closed;
    void *closed_data;
    struct turn closed;
};

struct http_duplex;

struct http_call {
    struct real_transport *transport;
    struct http_multi *multi;
    CURL *easy;
    struct curl_slist *headers, *resolve;
    struct http_handlers handlers;
    struct timer head, whole, idle;
    struct http_limits limits;
    int64_t last_ms;
    size_t limit;
    struct strbuf answer;  /* the body of a call; what an error answer of a stream said */
    struct strbuf pending; /* a stream's bytes that were not told yet */
    char api_version[16], server[64];
    int status;
    bool is_stream, is_added, head_done, open_due, is_ready, finished;
    struct http_duplex *duplex; /* NULL: an ordinary call or stream */
    bool drained_due;
    char errors[CURL_ERROR_SIZE];
    struct error error;
    struct http_lookup *lookup;
    struct http_call *prev, *next;
    struct http_call *ready_prev, *ready_next;
};

/* multi.c */
int http_multi_init(struct http_multi *multi, struct real_transport *transport);
void http_multi_fini(struct http_multi *multi);

/* closing.c: one of the transport's handles or look-ups is closed; is it the last one; the last turn. */
void http_handle_closed(struct real_transport *transport);
void http_check_closed(struct real_transport *transport);
void http_on_closed(void *data);

/* call.c: sets up an easy handle for the request; collects the answer. */
struct http_call *http_call_new(struct real_transport *transport, const struct http_request *request,
                                const struct http_handlers *handlers);
void http_call_free(struct http_call *call);
void http_call_begin(struct http_call *call);
/* The transfer is over, well or with call->error; the caller is told by the next dispatch. */
void http_call_end(struct http_call *call);
void http_call_ready(struct http_call *call);
void http_dispatch(struct real_transport *transport);

/* A line of the answer's head; a piece of its body: false when it is too long. */
void http_call_header(struct http_call *call, const char *line, size_t length);
bool http_call_body(struct http_call *call, const char *bytes, size_t length);
/* A duplex call has sent all that it was given. */
void http_call_drained(struct http_call *call);

/* duplex.c */
void http_duplex_new(struct http_call *call, const struct http_request *request);
/* libcurl has connected. */
void http_duplex_begin(struct http_call *call);
/* Before the call's connection goes. NULL is allowed. */
void http_duplex_drop(struct http_call *call);

/* errors.c: a libcurl result as one of our errors. */
void http_set_error(struct http_call *call, CURLcode code);

/* lookup.c: resolves the transport's host off the loop, then begins the call. */
void http_lookup_start(struct http_call *call);
void http_lookup_drop(struct http_call *call);

#endif
