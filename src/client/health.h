/* Inside the library: the list of checks and the little server. */
#ifndef CLIENT_HEALTH_H
#define CLIENT_HEALTH_H

#include <apphost/health.h>

#include <pthread.h>
#include <stdbool.h>

struct health_check {
    char *name, *tag;
    struct apphost_health_check given;
};

struct health_listener {
    int fd; /* -1: not listening */
    pthread_t thread;
};

struct apphost_health {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct health_check **checks;
    size_t count;
    size_t running; /* threads of checks, late ones included */
    struct health_listener listener;
};

void health_stop_listening(struct apphost_health *health);

#endif
