/*
 * An example service: two keyed caches, health over HTTP.
 *
 * Every second it counts a visit of a made-up user in the cache "sessions", and renders a page unless the
 * cache "pages" has it. /health and /alive are served on $PORT. The connection strings come from the
 * environment (ConnectionStrings__sessions, ConnectionStrings__pages), the prefixes of the keys from
 * appsettings.json.
 */
#include <apphost/apphost.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

static void write_log(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    (void)user;
    fprintf(stderr, "%s: %s: %s\n", apphost_log_level_name(level), category, text);
}

/* What takes so long that it is worth a cache. */
static int render(void *user, void **data, size_t *len, struct apphost_error *error)
{
    const char *name = user;
    char *page = malloc(64);

    (void)error;
    if (!page)
        return -1;
    *len = (size_t)snprintf(page, 64, "<h1>Hello, %s</h1>", name);
    *data = page;
    return 0;
}

static void visit(struct apphost_cache *sessions, struct apphost_cache *pages, const char *user)
{
    const struct apphost_create page = {
        .create = render, .user = (void *)user, .expiry = apphost_expire_in(10000)};
    struct apphost_error error = {0};
    struct apphost_value value = {0};
    int64_t visits = 0;

    if (apphost_cache_increment(sessions, apphost_str(user), 1, apphost_expire_sliding(1200000), &visits,
                                &error) < 0) {
        printf("no session: %s\n", error.text);
        fflush(stdout);
        return;
    }
    int rc = apphost_cache_get_or_create(pages, apphost_str(user), &page, &value, &error);
    if (rc < 0)
        printf("no page: %s\n", error.text);
    else
        printf("visit %lld of %s: %s (%s)\n", (long long)visits, user, value.data,
               rc ? "cached" : "rendered");
    apphost_value_free(&value);
    fflush(stdout);
}

static int add_caches(struct apphost_host *host, struct apphost_error *error)
{
    if (apphost_host_add_keyed_redis_distributed_cache(host, "sessions", NULL, NULL, error) < 0)
        return -1;
    return apphost_host_add_keyed_redis_distributed_cache(host, "pages", NULL, NULL, error);
}

int main(void)
{
    const struct apphost_host_options options = {.log = write_log};
    struct apphost_error error = {0};
    struct apphost_host *host = apphost_host_new(&options, &error);
    char address[32];
    int port = 0;

    snprintf(address, sizeof(address), ":%s", getenv("PORT") ? getenv("PORT") : "0");
    if (!host || add_caches(host, &error) < 0 ||
        apphost_health_listen(apphost_host_health(host), address, &port, &error) < 0) {
        fprintf(stderr, "cache-service: %s\n", error.text);
        apphost_host_free(host);
        return 1;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    printf("health on http://127.0.0.1:%d/health\n", port);
    while (!is_over) {
        visit(apphost_host_cache(host, "sessions", NULL), apphost_host_cache(host, "pages", NULL), "ada");
        sleep(1);
    }
    apphost_host_free(host);
    return 0;
}
