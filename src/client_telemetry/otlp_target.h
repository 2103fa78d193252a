/*
 * Inside the library: where one kind of telemetry goes over OTLP/HTTP, and sending it there.
 *
 * The variables are OpenTelemetry's (OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, _PROTOCOL,
 * _CERTIFICATE, _CLIENT_CERTIFICATE, _CLIENT_KEY); each has a form for one signal that wins, as
 * OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, which is a whole URL where the general endpoint gets "/v1/metrics"
 * appended. OTEL_SDK_DISABLED=true and OTEL_{signal}_EXPORTER other than otlp turn it off.
 */
#ifndef CLIENT_TELEMETRY_OTLP_TARGET_H
#define CLIENT_TELEMETRY_OTLP_TARGET_H

#include "client_options/options.h"

#include <apphost/config.h>

#include <stdatomic.h>

struct otlp_target {
    struct apphost_options *options; /* one endpoint, and TLS; NULL: nothing goes anywhere */
    char *path, *headers;            /* header lines, each with CR LF */
    char authority[300];             /* as the Host header says it */
    int timeout_ms;
};

/* `signal` is "TRACES" or "METRICS", `path` what is appended. 1; 0: not wanted; -1: wanted, and not possible
 * as it is written. */
int otlp_target_init(struct otlp_target *target, const struct apphost_config *config, const char *signal,
                     const char *path, struct apphost_error *error);
void otlp_target_fini(struct otlp_target *target);

/* Posts one protobuf message. 0 when the collector took it; 1 when another attempt makes sense; -1 when it
 * does not. Blocks for at most timeout_ms, or until *is_cancelled. */
int otlp_target_post(const struct otlp_target *target, const atomic_bool *is_cancelled, const char *body,
                     size_t len, struct apphost_error *error);

/* The value of a variable for a signal, else the general one, else NULL. */
const char *otlp_setting(const struct apphost_config *config, const char *signal, const char *name,
                         bool *is_specific);

/* Calls back for each "key=value" of a list with commas; values are percent-decoded. */
typedef void (*otlp_pair_fn)(void *user, const char *key, const char *value);
void otlp_each_pair(const char *list, otlp_pair_fn each, void *user);

#endif
