/*
 * apphost/health.h - health checks, and answers to /health and /alive.
 *
 * Checks run in parallel, each in a thread of its own with its own timeout; the worst status wins. A check
 * that does not come back in time counts as failed and its result is dropped when it comes;
 * apphost_health_free() waits for it. Names are unique, whatever their case.
 */
#ifndef APPHOST_HEALTH_H
#define APPHOST_HEALTH_H

#include <stddef.h>
#include <stdint.h>

#include <apphost/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_health;

enum apphost_health_status { APPHOST_UNHEALTHY, APPHOST_DEGRADED, APPHOST_HEALTHY };

/* "Healthy", "Degraded", "Unhealthy". */
const char *apphost_health_status_name(enum apphost_health_status status);

/* Fills `description` (may stay "") and returns a status. Runs in a thread of the library. */
typedef enum apphost_health_status (*apphost_health_fn)(void *user, char *description, size_t size);

struct apphost_health_check {
    const char *name;
    apphost_health_fn check;
    void *user;
    int timeout_ms;  /* 0: 5000 */
    const char *tag; /* "live": also part of /alive; NULL: none */
};

struct apphost_health *apphost_health_new(void);
void apphost_health_free(struct apphost_health *health);

int apphost_health_add(struct apphost_health *health, const struct apphost_health_check *check,
                       struct apphost_error *error);

struct apphost_health_entry {
    char name[128];
    char description[256];
    enum apphost_health_status status;
    int64_t duration_us;
};

struct apphost_health_report {
    enum apphost_health_status status; /* healthy when there is no check */
    size_t count;
    struct apphost_health_entry *entries; /* in the order of adding */
    int64_t duration_us;
};

/* Runs the checks with this tag, all with NULL. 0 with a report to free, -1 when memory is out. */
int apphost_health_run(struct apphost_health *health, const char *tag, struct apphost_health_report *report,
                       struct apphost_error *error);
void apphost_health_report_free(struct apphost_health_report *report);

/*
 * A whole HTTP/1.1 response for a path: /health runs all checks, /alive those tagged "live" and a built-in
 * one that is always healthy. 200 for healthy and degraded, 503 for unhealthy, 404 for other paths; the body
 * is the name of the status; never to be cached. For free(3); NULL when memory is out. `is_head`: without the
 * body.
 */
char *apphost_health_respond(struct apphost_health *health, const char *path, int is_head, size_t *len);

/*
 * Serves these two paths, for programs without an HTTP server: "host:port", "[v6]:port" or ":port"
 * (loopback). Port 0 takes any; *port (may be NULL) gets it. One thread, one request per connection, a few
 * seconds each. Ends with apphost_health_free().
 */
int apphost_health_listen(struct apphost_health *health, const char *address, int *port,
                          struct apphost_error *error);

#ifdef __cplusplus
}
#endif
#endif
