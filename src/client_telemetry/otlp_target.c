/*
 * The variables of one signal, and one POST. The stream is the connection's own transport, so that TLS is
 * verified and every wait is bounded in the same way.
 */
#include "client_telemetry/otlp_target.h"
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_base/fail.h"
#include "client_base/text.h"
#include "client_conn/transport.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_TIMEOUT_MS = 10000, ANSWER_SIZE = 1024 };

/* ---- Variables ---- */

const char *otlp_setting(const struct apphost_config *config, const char *signal, const char *name,
                         bool *is_specific)
{
    char key[96];

    snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_%s_%s", signal, name);
    const char *value = apphost_config_get(config, key);
    if (is_specific)
        *is_specific = value && *value;
    if (value && *value)
        return value;
    snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_%s", name);
    value = apphost_config_get(config, key);
    if (value && *value)
        return value;
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (isxdigit((unsigned char)c))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* In place. What is no escape stays as it is. */
static void decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        bool is_escape = from[0] == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0;

        if (is_escape)
            *to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
        else
            *to++ = *from;
        if (is_escape)
            from += 2;
    }
    *to = '\0';
}

void otlp_each_pair(const char *list, otlp_pair_fn each, void *user)
{
    while (list && *list) {
        size_t len = strcspn(list, ","), name = strcspn(list, "=,");
        size_t first = 0; /* of the value, which is empty without a name */
        if (name < len)
            first = name + 1;
        char *key = text_trimmed(list, first > 0 ? name : 0);
        char *value = text_trimmed(list + first, first > 0 ? len - first : 0);

        if (key && value && *key) {
            decode(value);
            each(user, key, value);
        }
        free(key);
        free(value);
        list += len + (list[len] == ',');
    }
}

static void add_header(void *user, const char *key, const char *value)
{
    if (!strpbrk(key, "\r\n: ") && !strpbrk(value, "\r\n"))
        text_addf(user, "%s: %s\r\n", key, value);
}

static bool is_off(const struct apphost_config *config, const char *signal)
{
    char key[64];
    const char *disabled = apphost_config_get(config, "OTEL_SDK_DISABLED");

    snprintf(key, sizeof(key), "OTEL_%s_EXPORTER", signal);
    const char *exporter = apphost_config_get(config, key);
    return (disabled && strcasecmp(disabled, "true") == 0) ||
           (exporter && *exporter && !strstr(exporter, "otlp"));
}

/* ---- The URL ---- */

static int refuse(struct apphost_error *error, const char *url, const char *why)
{
    /* A URL may carry a password before an '@': only what comes after is shown. */
    const char *at = strrchr(url, '@');

    return fail_set(error, APPHOST_E_CONFIG, "OTEL_EXPORTER_OTLP_ENDPOINT", "cannot export to '%.150s': %s",
                    at ? at + 1 : url, why);
}

/* The rest of a URL after its host: the signal's own is taken as it is, the general one is a base. */
static char *make_path(const char *rest, const char *path, bool is_specific)
{
    struct text text = {0};
    size_t len = strlen(rest);

    while (!is_specific && len > 0 && rest[len - 1] == '/')
        len--;
    text_add(&text, rest, len);
    if (!is_specific)
        text_adds(&text, path);
    if (text.len == 0)
        text_adds(&text, "/");
    return text_take(&text);
}

static int set_endpoint(struct otlp_target *target, const char *url, bool is_secure,
                        struct apphost_error *error)
{
    const char *host = strchr(url, ':') + 3;
    char token[sizeof(target->authority) + 8];
    size_t len = strcspn(host, "/?#");

    if (len == 0 || len >= sizeof(target->authority) || memchr(host, '@', len) || memchr(host, ',', len))
        return refuse(error, url, "no host");
    snprintf(target->authority, sizeof(target->authority), "%.*s", (int)len, host);
    const char *bracket = text_or(strrchr(target->authority, ']'), target->authority);
    const char *port = "";
    if (!strchr(bracket, ':'))
        port = pick(is_secure, ":443", ":80");
    snprintf(token, sizeof(token), "%s%s", target->authority, port);
    if (apphost_options_add_endpoint(target->options, token, NULL) < 0)
        return refuse(error, url, "not a host or host:port");
    return apphost_options_set(target->options, "ssl", pick(is_secure, "true", "false"), error);
}

static int set_files(struct otlp_target *target, const struct apphost_config *config, const char *signal,
                     struct apphost_error *error)
{
    static const char *const files[][2] = {
        {"CERTIFICATE", "caFile"}, {"CLIENT_CERTIFICATE", "certFile"}, {"CLIENT_KEY", "keyFile"}};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = otlp_setting(config, signal, files[i][0], NULL);

        if (path && apphost_options_set(target->options, files[i][1], path, error) < 0)
            return -1;
    }
    return 0;
}

static int fill(struct otlp_target *target, const struct apphost_config *config, const char *signal,
                const char *path, struct apphost_error *error)
{
    bool is_specific;
    const char *url = otlp_setting(config, signal, "ENDPOINT", &is_specific);
    const char *protocol = otlp_setting(config, signal, "PROTOCOL", NULL);
    const char *timeout = otlp_setting(config, signal, "TIMEOUT", NULL);
    bool is_secure = strncasecmp(url, "https://", 8) == 0;
    struct text headers = {0};

    if (!is_secure && strncasecmp(url, "http://", 7) != 0)
        return refuse(error, url, "not http:// or https://");
    if (protocol && strcasecmp(protocol, "http/protobuf") != 0)
        return refuse(error, url, "OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf");
    target->timeout_ms = DEFAULT_TIMEOUT_MS;
    if (timeout && (text_to_int(timeout, &target->timeout_ms) < 0 || target->timeout_ms <= 0))
        return refuse(error, url, "OTEL_EXPORTER_OTLP_TIMEOUT is not a number of milliseconds");
    target->options = apphost_options_new();
    if (!target->options || set_endpoint(target, url, is_secure, error) < 0 ||
        set_files(target, config, signal, error) < 0) {
        if (target->options)
            return -1;
        return fail_memory(error);
    }
    const char *host = strchr(url, ':') + 3;
    target->path = make_path(host + strcspn(host, "/?#"), path, is_specific);
    text_adds(&headers, "");
    otlp_each_pair(otlp_setting(config, signal, "HEADERS", NULL), add_header, &headers);
    target->headers = text_take(&headers);
    if (target->path && target->headers)
        return 1;
    return fail_memory(error);
}

int otlp_target_init(struct otlp_target *target, const struct apphost_config *config, const char *signal,
                     const char *path, struct apphost_error *error)
{
    *target = (struct otlp_target){.timeout_ms = 0};
    if (is_off(config, signal) || !otlp_setting(config, signal, "ENDPOINT", NULL))
        return 0;
    if (fill(target, config, signal, path, error) == 1)
        return 1;
    otlp_target_fini(target);
    return -1;
}

void otlp_target_fini(struct otlp_target *target)
{
    apphost_options_free(target->options);
    free(target->path);
    free(target->headers);
    *target = (struct otlp_target){.timeout_ms = 0};
}

/* ---- One POST ---- */

struct body {
    const char *data;
    size_t len;
};

static int exchange(struct transport *transport, const struct attempt *attempt, const struct text *head,
                    const struct body *body, char answer[ANSWER_SIZE], struct apphost_error *error)
{
    size_t len = 0;

    if (transport_send_all(transport, attempt, head->data, head->len, error) < 0 ||
        transport_send_all(transport, attempt, body->data, body->len, error) < 0)
        return -1;
    /* Until the end of the status line; the rest says nothing that matters. */
    while (len < ANSWER_SIZE - 1 && !memchr(answer, '\n', len)) {
        ssize_t got = transport_recv(transport, answer + len, ANSWER_SIZE - 1 - len, TRANSPORT_SLICE_MS);

        if (got == TRANSPORT_AGAIN && clock_left(attempt->deadline_ms) > 0 &&
            !atomic_load(attempt->is_cancelled))
            continue;
        if (got == TRANSPORT_AGAIN)
            return fail_set(error, APPHOST_E_TIMEOUT, NULL, "the collector does not answer");
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    answer[len] = '\0';
    return 0;
}

/* By the protocol's specification these four are worth another attempt. */
static int judge(const char *answer, struct apphost_error *error)
{
    int status = 0;

    if (sscanf(answer, "HTTP/1.%*d %d", &status) == 1 && status >= 200 && status < 300)
        return 0;
    fail_set(error, APPHOST_E_CONNECT, NULL, "the collector answered '%.*s'",
             (int)strcspn(answer, "\r\n") < 80 ? (int)strcspn(answer, "\r\n") : 80, answer);
    if (status == 429 || status == 502 || status == 503 || status == 504)
        return 1;
    return -1;
}

int otlp_target_post(const struct otlp_target *target, const atomic_bool *is_cancelled, const char *body,
                     size_t len, struct apphost_error *error)
{
    const struct attempt attempt = {target->options, clock_ms() + target->timeout_ms, is_cancelled};
    const struct body whole = {body, len};
    int port = apphost_options_endpoint_port(target->options, 0);
    char answer[ANSWER_SIZE];
    struct transport transport;
    struct text head = {0};

    text_addf(&head,
              "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-protobuf\r\n"
              "Content-Length: %zu\r\nUser-Agent: OTel-OTLP-Exporter-C/%s\r\nConnection: close\r\n%s\r\n",
              target->path, target->authority, len, apphost_version(), target->headers);
    if (head.is_failed) {
        text_drop(&head);
        return fail_memory(error);
    }
    int rc = transport_open(&transport, &attempt, &target->options->endpoints[0], port, error);
    if (rc == 0) {
        rc = exchange(&transport, &attempt, &head, &whole, answer, error);
        transport_close(&transport);
    }
    text_drop(&head);
    if (rc < 0)
        return 1;
    return judge(answer, error);
}
