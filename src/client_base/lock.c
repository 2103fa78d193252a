/* Locks that are counted, in the builds of a sanitizer. See lock.h. */
#include "client_base/lock.h"

#ifdef LOCK_IS_COUNTED

#include <stdio.h>
#include <stdlib.h>

static _Thread_local unsigned held;

void lock_take(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
    held++;
}

void lock_drop(pthread_mutex_t *lock)
{
    held--;
    pthread_mutex_unlock(lock);
}

void user_code(void)
{
    if (held == 0)
        return;
    fprintf(stderr, "libapphost: code of the caller's is about to run under %u locks\n", held);
    abort();
}

#else

typedef int lock_is_not_counted; /* a translation unit is not empty */

#endif
