/* The dashboard's own process: lock, token, door, supervisor; and the end, by a signal. See dashboard.h. */
#include "dashboard/internal.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BODY_LIMIT = 1 << 20 };

static void say(int fd, const struct error *error)
{
    cleanup_json cJSON *json = cJSON_CreateObject();
    if (error_is_set(error))
        cJSON_AddItemToObject(json, "error", control_error_to_json(error));
    cleanup_free char *text = json_print(json);
    if (fd >= 0)
        dprintf(fd, "%s\n", text);
    if (fd >= 0)
        close(fd);
}

static void on_signal(int signum, void *data)
{
    struct dashboard *dashboard = data;
    log_info("the dashboard ends by signal %d", signum);
    loop_stop(&dashboard->loop);
}

static void name_hosts(const struct dashboard *dashboard, struct web_policy *policy)
{
    static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
    cleanup_free char *host = dashboard_host(dashboard->folder);
    strlist_add(&policy->hosts, host);
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        strlist_add(&policy->hosts, local[i]);
    strlist_copy(&policy->guests, &dashboard->options->guests);
    policy->body_limit = BODY_LIMIT;
}

static int listen_somewhere(struct dashboard *dashboard, struct error *err)
{
    struct web_options web = {
        .loop = &dashboard->loop,
        .port = dashboard->options->port,
        .is_port_must = dashboard->options->port > 0,
        .handler = route_request,
        .data = dashboard,
    };
    struct state_dashboard last;

    if (web.port < 0) {
        state_dashboard_read(dashboard->folder, &last);
        web.port = last.port;
    }

    name_hosts(dashboard, &web.policy);
    dashboard->web = web_listen(&web, err);
    if (!dashboard->web)
        return -1;
    telemetry_start(dashboard);
    return home_write_record(dashboard, err);
}

static int open_all(struct dashboard *dashboard, struct error *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    dashboard->lock_fd = home_lock(dashboard->folder, err);
    if (dashboard->lock_fd < 0 || home_token(dashboard->folder, true, dashboard->token, err))
        return -1;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (loop_watch_signal(&dashboard->loop, signals[i], on_signal, dashboard, err))
            return -1;
    if (listen_somewhere(dashboard, err))
        return -1;
    link_start(dashboard);
    return 0;
}

static void forget(struct dashboard *dashboard)
{
    mem_wipe(dashboard->token, sizeof dashboard->token);
    cleanup_free_ptr(&dashboard->root);
    cleanup_free_ptr(&dashboard->prefix);
    cleanup_free_ptr(&dashboard->folder);
    identity_free(&dashboard->identity);
    if (dashboard->lock_fd >= 0)
        close(dashboard->lock_fd);
}

static int be_somebody(struct dashboard *dashboard, struct error *err)
{
    dashboard->folder = xstrdup(dashboard->options->folder);
    dashboard->root = path_dirname(dashboard->folder);
    dashboard->prefix = xstrdup(path_basename(dashboard->folder));
    dashboard->started_ms = home_now_ms();
    dashboard->lock_fd = -1;
    digest_random_text(dashboard->epoch, sizeof dashboard->epoch - 1, "0123456789abcdef");
    if (!identity_parse(dashboard->prefix, &dashboard->identity))
        return error_set(err, ERROR_USAGE, "%s is no project's folder", dashboard->folder);
    return 0;
}

int dashboard_serve(const struct dashboard_options *options, int ready_fd, struct error *err)
{
    struct dashboard dashboard = {.options = options};
    log_setup(LOG_INFO, NULL, NULL);
    signal(SIGPIPE, SIG_IGN);
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
#endif
    int failed = be_somebody(&dashboard, err);
    if (!failed)
        failed = loop_init(&dashboard.loop, err);
    if (failed) {
        say(ready_fd, err);
        forget(&dashboard);
        return -1;
    }

    failed = open_all(&dashboard, err);
    say(ready_fd, err);
    if (!failed)
        loop_run(&dashboard.loop);
    feed_end_all(&dashboard);
    redis_watches_end(&dashboard);
    redis_actions_end(&dashboard);
    if (dashboard.web)
        web_close(dashboard.web, NULL, NULL);
    telemetry_end(&dashboard);
    stats_end(&dashboard);
    link_end(&dashboard);
    page_history_end(&dashboard.history);
    loop_fini(&dashboard.loop);
    forget(&dashboard);
    return failed;
}
