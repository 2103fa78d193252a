/* room: client_conn */
/* A server with a script: it answers commands as a table says and remembers what it heard. */
#ifndef TEST_PUPPET_H
#define TEST_PUPPET_H

#include <pthread.h>
#include <stddef.h>

struct answer {
    const char *command; /* a prefix of the command's words, as in "CLIENT SETINFO" */
    const char *reply;   /* RESP; PUPPET_HANGS_UP; or PUPPET_LAST_SET: the value of the last SET */
};

#define PUPPET_HANGS_UP "!"
#define PUPPET_LAST_SET "="

struct puppet {
    int fd, port;
    pthread_t thread;
    _Atomic int pause_ms;      /* before each answer to an HMGET */
    _Atomic int hold;          /* so many of them have to be asked before any is answered; 0: one */
    const struct answer *once; /* each answers once, before the script */
    size_t used;               /* a bit for each that did */
    char last_set[64];
    const struct answer *script; /* ended by a NULL; what it does not know is +OK, a PING +PONG */
    pthread_mutex_t lock;
    char heard[65536]; /* the words of every command, one line each */
};

void puppet_start(struct puppet *puppet, const struct answer *script);
void puppet_start_once(struct puppet *puppet, const struct answer *once, const struct answer *script);
void puppet_stop(struct puppet *puppet);

/* Everything heard since the last call, without the handshake: that ends with PING. */
void puppet_heard(struct puppet *puppet, char *out, size_t size);

#endif
