/*
 * The buffer, the thread that posts, and the end.
 *
 * Happy path: otlp_add() appends under the lock; the thread wakes for whichever of spans and metrics is due,
 * takes what there is, and posts without the lock. Spans that the collector could not take go back into the
 * buffer while there is room. At the end the owner collects the last metrics itself, for afterwards the
 * caches are gone, waits for the thread for CLOSE_MS, calls the post off, and waits a moment more.
 */
#include "client_telemetry/otlp.h"
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_telemetry/otlp_encode.h"
#include "client_telemetry/otlp_target.h"
#include "client_base/protobuf.h"
#include "client_base/lock.h"
#include "client_base/thread.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_LIMIT = 4 * 1024 * 1024,
    SPANS_MS = 1000,
    METRICS_MS = 60000,
    CLOSE_MS = 3000,
    CANCEL_MS = 500,
};

struct otlp {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct log *log; /* not after otlp_close() has given up on the thread */
    bool is_closing, is_finished, is_abandoned, is_telling;
    size_t owners;
    atomic_bool is_cancelled;
    otlp_collect_fn collect;
    void *user;
    struct otlp_target traces, metrics;
    int traces_ms, metrics_ms; /* intervals */
    bool has_warned[2];        /* about traces, about metrics: once per outage */
    struct text resource;      /* encoded once */
    struct text spans;         /* repeated ScopeSpans.spans, encoded */
    struct text last_metrics;  /* collected by otlp_close() */
};

static void release(struct otlp *otlp)
{
    lock_take(&otlp->lock);
    bool is_last = --otlp->owners == 0;
    lock_drop(&otlp->lock);
    if (!is_last)
        return;
    otlp_target_fini(&otlp->traces);
    otlp_target_fini(&otlp->metrics);
    text_drop(&otlp->resource);
    text_drop(&otlp->spans);
    text_drop(&otlp->last_metrics);
    pthread_mutex_destroy(&otlp->lock);
    pthread_cond_destroy(&otlp->changed);
    free(otlp);
}

bool otlp_wants_spans(const struct otlp *otlp)
{
    return otlp && otlp->traces.options;
}

void otlp_add(struct otlp *otlp, const struct apphost_span *span)
{
    struct text encoded = {0};

    otlp_encode_span(&encoded, span);
    lock_take(&otlp->lock);
    if (otlp->spans.len + encoded.len < BUFFER_LIMIT && !encoded.is_failed && !otlp->is_closing)
        pb_bytes(&otlp->spans, 2, encoded.data, encoded.len);
    lock_drop(&otlp->lock);
    text_drop(&encoded);
}

/* ---- Posting ---- */

static void warn(struct otlp *otlp, int which, const char *what, int rc, const struct apphost_error *error)
{
    lock_take(&otlp->lock);
    bool is_news = !otlp->is_abandoned && otlp->has_warned[which] != (rc != 0);
    const struct log *log = NULL;
    if (is_news)
        log = otlp->log;
    otlp->has_warned[which] = rc != 0;
    otlp->is_telling = is_news; /* otlp_close() waits for it: the log ends with the host */
    lock_drop(&otlp->lock);
    if (rc != 0)
        log_write(log, APPHOST_LOG_WARNING, LOG_REDIS, "Export of %s failed: %s", what, error->text);
    else
        log_write(log, APPHOST_LOG_INFORMATION, LOG_REDIS, "Export of %s works again", what);

    lock_take(&otlp->lock);
    otlp->is_telling = false;
    pthread_cond_broadcast(&otlp->changed);
    lock_drop(&otlp->lock);
}

static int post(struct otlp *otlp, const struct otlp_target *target, char *body, size_t len)
{
    struct apphost_error error = {.text = "out of memory"};
    bool is_metrics = target == &otlp->metrics;
    int rc = -1;
    if (body)
        rc = otlp_target_post(target, &otlp->is_cancelled, body, len, &error);

    warn(otlp, is_metrics, pick(is_metrics, "metrics", "spans"), rc, &error);
    free(body);
    return rc;
}

/* What was not taken goes before what has come meanwhile. */
static void put_back(struct otlp *otlp, struct text *spans)
{
    lock_take(&otlp->lock);
    if (spans->len + otlp->spans.len < BUFFER_LIMIT) {
        text_add(spans, otlp->spans.data, otlp->spans.len);
        text_drop(&otlp->spans);
        otlp->spans = *spans;
        *spans = (struct text){0};
    }
    lock_drop(&otlp->lock);
}

static void export_spans(struct otlp *otlp)
{
    size_t len = 0;

    lock_take(&otlp->lock);
    struct text spans = otlp->spans;
    otlp->spans = (struct text){0};
    lock_drop(&otlp->lock);
    char *body = NULL;
    if (spans.len > 0)
        body = otlp_encode_spans(&otlp->resource, &spans, &len);
    if (spans.len > 0 && post(otlp, &otlp->traces, body, len) > 0)
        put_back(otlp, &spans);
    text_drop(&spans);
}

/* Collecting is under the lock: otlp_close() waits for it, and nothing is collected after that. */
static void export_metrics(struct otlp *otlp)
{
    struct text metrics = {0};
    size_t len = 0;

    lock_take(&otlp->lock);
    if (otlp->is_closing) {
        metrics = otlp->last_metrics;
        otlp->last_metrics = (struct text){0};
    } else {
        otlp->collect(otlp->user, &metrics);
    }
    lock_drop(&otlp->lock);
    char *body = NULL;
    if (metrics.len > 0)
        body = otlp_encode_metrics(&otlp->resource, &metrics, &len);
    if (metrics.len > 0)
        post(otlp, &otlp->metrics, body, len);
    text_drop(&metrics);
}

/* Sleeps until the moment or the end. True at the end. */
static bool sleep_until(struct otlp *otlp, int64_t moment_ms)
{
    struct timespec until = {moment_ms / 1000, (moment_ms % 1000) * 1000000};

    lock_take(&otlp->lock);
    while (!otlp->is_closing && pthread_cond_timedwait(&otlp->changed, &otlp->lock, &until) == 0)
        ;
    bool is_closing = otlp->is_closing;
    lock_drop(&otlp->lock);
    return is_closing;
}

static void *export_thread(void *user)
{
    struct otlp *otlp = user;
    bool is_closing = false;
    int64_t spans_at = clock_ms() + otlp->traces_ms, metrics_at = clock_ms() + otlp->metrics_ms;

    while (!is_closing) {
        is_closing = sleep_until(otlp, spans_at < metrics_at ? spans_at : metrics_at);
        int64_t now = clock_ms();

        if (otlp->metrics.options && (is_closing || now >= metrics_at))
            export_metrics(otlp);
        if (otlp->traces.options && (is_closing || now >= spans_at))
            export_spans(otlp);
        now = clock_ms();
        if (spans_at <= now)
            spans_at = now + otlp->traces_ms;
        if (metrics_at <= now)
            metrics_at = now + otlp->metrics_ms;
    }
    lock_take(&otlp->lock);
    otlp->is_finished = true;
    pthread_cond_broadcast(&otlp->changed);
    lock_drop(&otlp->lock);
    release(otlp);
    return NULL;
}

/* ---- Beginning and end ---- */

static int interval(const struct apphost_config *config, const char *key, int usual_ms)
{
    const char *text = apphost_config_get(config, key);
    int ms;

    if (text && text_to_int(text, &ms) == 0 && ms > 0)
        return ms;
    return usual_ms;
}

static bool init_target(struct otlp_target *target, const struct apphost_config *config, const char *signal,
                        const char *path, const struct log *log)
{
    struct apphost_error error = {0};
    int rc = otlp_target_init(target, config, signal, path, &error);

    if (rc < 0)
        log_write(log, APPHOST_LOG_WARNING, LOG_REDIS, "No export of %s: %s",
                  pick(strcmp(signal, "TRACES") == 0, "spans", "metrics"), error.text);
    return rc > 0;
}

static struct otlp *new_otlp(const struct log *log, otlp_collect_fn collect, void *user)
{
    struct otlp *otlp = calloc(1, sizeof(*otlp));
    pthread_condattr_t attributes;

    if (!otlp)
        return NULL;
    *otlp = (struct otlp){.log = log, .collect = collect, .user = user, .owners = 1};
    pthread_mutex_init(&otlp->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&otlp->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return otlp;
}

struct otlp *otlp_new(const struct apphost_config *config, const struct log *log, otlp_collect_fn collect,
                      void *user)
{
    struct otlp *otlp = new_otlp(log, collect, user);

    if (!otlp)
        return NULL;
    bool has_traces = init_target(&otlp->traces, config, "TRACES", "/v1/traces", log);
    bool has_metrics = init_target(&otlp->metrics, config, "METRICS", "/v1/metrics", log);
    otlp->traces_ms = INT_MAX;
    if (has_traces)
        otlp->traces_ms = interval(config, "OTEL_BSP_SCHEDULE_DELAY", SPANS_MS);
    otlp->metrics_ms = INT_MAX;
    if (has_metrics)
        otlp->metrics_ms = interval(config, "OTEL_METRIC_EXPORT_INTERVAL", METRICS_MS);
    otlp_encode_resource(&otlp->resource, config);
    otlp->owners = 2;
    if ((has_traces || has_metrics) && thread_start(export_thread, otlp) == 0)
        return otlp;
    otlp->owners = 1;
    release(otlp);
    return NULL;
}

static void await_thread_locked(struct otlp *otlp, int wait_ms)
{
    int64_t moment_ms = clock_ms() + wait_ms;
    struct timespec until = {moment_ms / 1000, (moment_ms % 1000) * 1000000};

    while (!otlp->is_finished && pthread_cond_timedwait(&otlp->changed, &otlp->lock, &until) == 0)
        ;
}

void otlp_close(struct otlp *otlp)
{
    if (!otlp)
        return;
    lock_take(&otlp->lock);
    if (!otlp->is_closing && otlp->metrics.options)
        otlp->collect(otlp->user, &otlp->last_metrics);
    otlp->is_closing = true;
    pthread_cond_broadcast(&otlp->changed);
    await_thread_locked(otlp, CLOSE_MS);
    atomic_store(&otlp->is_cancelled, true);
    await_thread_locked(otlp, CANCEL_MS);
    otlp->is_abandoned = true;
    while (otlp->is_telling)
        pthread_cond_wait(&otlp->changed, &otlp->lock);
    lock_drop(&otlp->lock);
}

void otlp_free(struct otlp *otlp)
{
    otlp_close(otlp);
    if (otlp)
        release(otlp);
}
