/* A thread of the library. The mask is taken before it begins, so that no signal finds it without. */
#include "client_base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int thread_start(void *(*work)(void *user), void *user)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    int rc = pthread_create(&thread, &attributes, work, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (rc != 0)
        return -1;
    return 0;
}
