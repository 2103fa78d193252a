/* What engines say in words and somebody acts upon: understood in one place, by the second table of
 * classify.c. A set of sayings is a sum of them. */
#ifndef ENGINE_WORDS_H
#define ENGINE_WORDS_H

#include <stdbool.h>

enum engine_saying {
    SAYS_VERSION = 1, /* our version of the API is not one of its own */
    SAYS_GONE = 2,
    SAYS_GOING = 4, /* somebody else has it removed already */
    SAYS_STOPPED = 8,
    SAYS_MEMBER = 16,   /* the container is on the network already */
    SAYS_STRANGER = 32, /* the container is not on the network */
    SAYS_NO_INIT = 64,
    SAYS_NO_CREDENTIALS = 128,
    SAYS_PULLED = 256,
    SAYS_HEALTHY = 512,
    SAYS_UNHEALTHY = 1024,
    SAYS_NOT_HEALTHY_YET = 2048,
    SAYS_FIELD_TAKEN = 4096, /* another manager of Kubernetes' has set it */
    SAYS_NO_PAST = 8192,     /* Kubernetes has nothing to go back to */
};

/* Is it one of these that is said? Status 0: words without one. */
bool engine_says(unsigned sayings, int status, const char *message);

#endif
