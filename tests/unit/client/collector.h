/* room: client_telemetry */
/* An OTLP collector of the test's own: takes HTTP requests, plain or TLS, and keeps them. */
#ifndef TEST_COLLECTOR_H
#define TEST_COLLECTOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { COLLECTOR_REQUESTS = 64 };

struct received {
    char head[2048];
    unsigned char *body;
    size_t len;
};

struct collector {
    int fd, port;
    pthread_t thread;
    void *tls;    /* SSL_CTX, NULL: plain */
    int refusals; /* answer so many requests with 503 first */
    bool is_mute; /* takes connections and never answers */
    pthread_mutex_t lock;
    size_t count;
    struct received requests[COLLECTOR_REQUESTS];
};

/* `folder` with cert.pem and key.pem makes it TLS; NULL is plain. Set refusals and is_mute before. */
void collector_start(struct collector *collector, const char *folder);
void collector_stop(struct collector *collector);

/* How many requests have come whose head begins with `start`. */
size_t collector_count(struct collector *collector, const char *start);

/* The last such request; NULL when there is none. Only after collector_count() said so or after stop. */
const struct received *collector_last(struct collector *collector, const char *start);
/* Frees what was kept. */
void collector_fini(struct collector *collector);

/*
 * Protobuf, for looking: the n-th field of that number in a message; {NULL} when there is none. Varints and
 * eight-byte numbers are in `number`, the rest is in data and len.
 */
struct field {
    const unsigned char *data;
    size_t len;
    unsigned long long number;
};

struct field field_at(struct field message, unsigned number, size_t n);
size_t field_count(struct field message, unsigned number);
bool field_is(struct field field, const char *text);

#endif
