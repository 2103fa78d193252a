/*
 * Inside the library: locks, and the promise that no code of the caller's runs under one.
 *
 * What calls into the program (a log, a span, a result, a creator, a check) says so first, with user_code().
 * In the builds of a sanitizer each thread counts the locks that it holds, and user_code() ends the program
 * when there is one; elsewhere both are nothing but the mutex.
 */
#ifndef CLIENT_BASE_LOCK_H
#define CLIENT_BASE_LOCK_H

#include <pthread.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOCK_IS_COUNTED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCK_IS_COUNTED 1
#endif

#ifdef LOCK_IS_COUNTED

void lock_take(pthread_mutex_t *lock);
void lock_drop(pthread_mutex_t *lock);
void user_code(void);

#else

static inline void lock_take(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
}

static inline void lock_drop(pthread_mutex_t *lock)
{
    pthread_mutex_unlock(lock);
}

static inline void user_code(void) {}

#endif
#endif
