/*
 * Health checks: a list, and running it in parallel.
 *
 * Each check runs in a thread with a result cell that it shares with the runner; whoever lets go last frees
 * the cell. A check that comes back late writes into its cell and nobody looks.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client/health.h"
#include "client_base/lock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_TIMEOUT_MS = 5000 };

/* Shared by the runner and the check's thread, under the health object's lock. */
struct cell {
    struct apphost_health *health;
    struct health_check *check;
    int users;
    bool is_done;
    enum apphost_health_status status;
    char description[256];
    int64_t started_us, ended_us;
};

const char *apphost_health_status_name(enum apphost_health_status status)
{
    if (status == APPHOST_HEALTHY)
        return "Healthy";
    return pick(status == APPHOST_DEGRADED, "Degraded", "Unhealthy");
}

struct apphost_health *apphost_health_new(void)
{
    struct apphost_health *health = calloc(1, sizeof(*health));
    pthread_condattr_t attributes;

    if (!health)
        return NULL;
    health->listener.fd = -1;
    pthread_mutex_init(&health->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&health->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return health;
}

/* Late checks still point here: they are waited for, or their world would be freed under them. */
void apphost_health_free(struct apphost_health *health)
{
    if (!health)
        return;
    health_stop_listening(health);
    lock_take(&health->lock);
    while (health->running > 0)
        pthread_cond_wait(&health->changed, &health->lock);
    lock_drop(&health->lock);
    for (size_t i = 0; i < health->count; i++) {
        free(health->checks[i]->name);
        free(health->checks[i]->tag);
        free(health->checks[i]);
    }

    free(health->checks);
    pthread_mutex_destroy(&health->lock);
    pthread_cond_destroy(&health->changed);
    free(health);
}

static int append(struct apphost_health *health, const struct apphost_health_check *check,
                  struct apphost_error *error)
{
    struct health_check *copy = calloc(1, sizeof(*copy));
    struct health_check **grown = realloc(health->checks, (health->count + 1) * sizeof(*grown));

    if (grown)
        health->checks = grown;
    if (copy)
        *copy = (struct health_check){strdup(check->name), check->tag ? strdup(check->tag) : NULL, *check};
    if (!grown || !copy || !copy->name || (check->tag && !copy->tag)) {
        if (copy)
            free(copy->name);
        free(copy);
        return fail_memory(error);
    }
    health->checks[health->count++] = copy;
    return 0;
}

int apphost_health_add(struct apphost_health *health, const struct apphost_health_check *check,
                       struct apphost_error *error)
{
    int rc = 0;

    if (!health || !check || !check->check || !check->name || !*check->name)
        return fail_argument(error, "check", "is NULL or has no name or function");
    lock_take(&health->lock);
    for (size_t i = 0; i < health->count && rc == 0; i++)
        if (strcasecmp(health->checks[i]->name, check->name) == 0)
            rc = fail_set(error, APPHOST_E_ARGUMENT, "name",
                          "Duplicate health checks were registered with the name(s): %.100s", check->name);
    if (rc == 0)
        rc = append(health, check, error);
    lock_drop(&health->lock);
    return rc;
}

/* ---- Running ---- */

static void let_go_locked(struct cell *cell)
{
    if (--cell->users == 0)
        free(cell);
}

static void *run_one(void *user)
{
    struct cell *cell = user;
    struct apphost_health *health = cell->health;
    char description[256] = "";

    user_code();
    enum apphost_health_status status =
        cell->check->given.check(cell->check->given.user, description, sizeof(description));

    lock_take(&health->lock);
    cell->is_done = true;
    cell->status = status;
    cell->ended_us = clock_us();
    snprintf(cell->description, sizeof(cell->description), "%s", description);
    health->running--;
    let_go_locked(cell);
    pthread_cond_broadcast(&health->changed);
    lock_drop(&health->lock);
    return NULL;
}

/* NULL when there is no memory or thread for it; the check then counts as failed. */
static struct cell *start_locked(struct apphost_health *health, struct health_check *check)
{
    struct cell *cell = calloc(1, sizeof(*cell));
    pthread_attr_t attributes;
    pthread_t thread;

    if (!cell)
        return NULL;
    *cell = (struct cell){.health = health, .check = check, .users = 2, .started_us = clock_us()};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attributes, run_one, cell);
    pthread_attr_destroy(&attributes);
    if (rc == 0) {
        health->running++;
        return cell;
    }
    free(cell);
    return NULL;
}

static void collect_locked(struct apphost_health *health, const struct health_check *check, struct cell *cell,
                           struct apphost_health_entry *entry)
{
    int timeout_ms = DEFAULT_TIMEOUT_MS;
    if (check->given.timeout_ms > 0)
        timeout_ms = check->given.timeout_ms;
    int64_t deadline = 0;
    if (cell)
        deadline = cell->started_us / 1000 + timeout_ms;
    struct timespec until = {deadline / 1000, (deadline % 1000) * 1000000};

    *entry = (struct apphost_health_entry){.status = APPHOST_UNHEALTHY};
    snprintf(entry->name, sizeof(entry->name), "%s", check->name);
    snprintf(entry->description, sizeof(entry->description), "A timeout occurred while running check.");
    if (!cell) {
        snprintf(entry->description, sizeof(entry->description), "no thread for the check");
        return;
    }
    while (!cell->is_done && pthread_cond_timedwait(&health->changed, &health->lock, &until) == 0)
        ;
    entry->duration_us = (cell->is_done ? cell->ended_us : clock_us()) - cell->started_us;
    if (cell->is_done) {
        entry->status = cell->status;
        memcpy(entry->description, cell->description, sizeof(entry->description));
    }
    let_go_locked(cell);
}

static bool is_wanted(const struct health_check *check, const char *tag)
{
    return !tag || (check->tag && strcmp(check->tag, tag) == 0);
}

static void run_locked(struct apphost_health *health, const char *tag, struct cell **cells,
                       struct apphost_health_report *report)
{
    size_t count = health->count;

    for (size_t i = 0; i < count; i++) {
        cells[i] = NULL;
        if (is_wanted(health->checks[i], tag))
            cells[i] = start_locked(health, health->checks[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(health->checks[i], tag))
            continue;
        struct apphost_health_entry *entry = &report->entries[report->count++];

        collect_locked(health, health->checks[i], cells[i], entry);
        if (entry->status < report->status)
            report->status = entry->status;
    }
}

int apphost_health_run(struct apphost_health *health, const char *tag, struct apphost_health_report *report,
                       struct apphost_error *error)
{
    int64_t started = clock_us();

    if (!health || !report)
        return fail_null(error, health, "health", "report");
    *report = (struct apphost_health_report){.status = APPHOST_HEALTHY};
    lock_take(&health->lock);
    struct cell **cells = calloc(health->count + 1, sizeof(*cells));
    report->entries = calloc(health->count + 1, sizeof(*report->entries));
    bool is_ready = cells && report->entries;
    if (is_ready)
        run_locked(health, tag, cells, report);
    lock_drop(&health->lock);
    free(cells);
    report->duration_us = clock_us() - started;
    if (is_ready)
        return 0;
    apphost_health_report_free(report);
    return fail_memory(error);
}

void apphost_health_report_free(struct apphost_health_report *report)
{
    free(report->entries);
    *report = (struct apphost_health_report){0};
}
