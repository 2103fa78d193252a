/* libcurl's results as our errors: what was attempted on which address, why it failed, what to do.
 *
 * A result of 0 is still a failure when the head of the answer never ended. */
#include "http/internal.h"

#include <errno.h>
#include <string.h>

static const struct {
    int number;
    const char *why, *hint;
    enum error_detail detail;
} connect_errors[] = {
    {ENOENT, "there is no such socket", "start the container engine, or check the address",
     DETAIL_NOBODY_LISTENS},
    {EACCES, "permission denied",
     "join the group that owns the socket (sudo usermod -aG docker $USER, then log in again), or use sudo",
     DETAIL_NONE},
    {EPERM, "permission denied",
     "join the group that owns the socket (sudo usermod -aG docker $USER, then log in again), or use sudo",
     DETAIL_NONE},
    {ECONNREFUSED, "connection refused", "nothing listens there: start the service", DETAIL_NOBODY_LISTENS},
};

static void set_connect_error(struct http_call *call)
{
    long number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
    for (size_t i = 0; i < sizeof connect_errors / sizeof *connect_errors; i++) {
        if (connect_errors[i].number != number)
            continue;
        error_set(&call->error, ERROR_ENGINE, "cannot connect to %s: %s", call->transport->name,
                  connect_errors[i].why);
        error_hint(&call->error, "%s", connect_errors[i].hint);
        error_is_exactly(&call->error, connect_errors[i].detail);
        return;
    }

    const char *why = "connection failed";
    if (number)
        why = strerror((int)number);
    else if (call->errors[0])
        why = call->errors;
    error_set(&call->error, ERROR_ENGINE, "cannot connect to %s: %s", call->transport->name, why);
}

static void set_other_error(struct http_call *call, CURLcode code)
{
    const char *name = call->transport->name;
    const char *why = curl_easy_strerror(code);
    if (call->errors[0])
        why = call->errors;
    switch (code) {
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        error_set(&call->error, ERROR_CUT, "%s closed the connection before its answer was complete (%s)",
                  name, why);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        error_set(&call->error, ERROR_TIMEOUT, "%s did not answer in time", name);
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        error_set(&call->error, ERROR_PROTOCOL, "%s does not speak HTTP (%s)", name, why);
        break;
    case CURLE_WRITE_ERROR:
        error_set(&call->error, ERROR_PROTOCOL, "%s sent more than can be accepted", name);
        break;
    default:
        error_set(&call->error, ERROR_ENGINE, "cannot talk to %s: %s", name, why);
    }
}

void http_set_error(struct http_call *call, CURLcode code)
{
    if (code == CURLE_OK) {
        if (!call->head_done)
            error_set(&call->error, ERROR_CUT, "%s closed the connection in the middle of its answer",
                      call->transport->name);
        return;
    }
    if (code == CURLE_COULDNT_CONNECT)
        set_connect_error(call);
    else
        set_other_error(call, code);
}
