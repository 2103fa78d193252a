/*
 * What the owner of a subscription is told: on its thread at once, or kept for dispatch. After
 * apphost_subscription_close() has returned nothing is told any more.
 */
#include "client_base/lock.h"
#include "client_redis/subscription.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_BACKLOG = 16 * 1024 * 1024 };

/* ---- Telling ---- */

/* False when it is over. */
static bool begin_telling(struct apphost_subscription *subscription)
{
    lock_take(&subscription->lock);
    bool is_over = subscription->is_over;
    if (!is_over) {
        subscription->is_telling = true;
        subscription->teller = pthread_self();
    }
    lock_drop(&subscription->lock);
    return !is_over;
}

static void end_telling(struct apphost_subscription *subscription)
{
    lock_take(&subscription->lock);
    subscription->is_telling = false;
    pthread_cond_broadcast(&subscription->changed);
    lock_drop(&subscription->lock);
}

static void tell_state_now(struct apphost_subscription *subscription, enum apphost_subscription_state state,
                           const struct apphost_error *why)
{
    if (!subscription->options.state || !begin_telling(subscription))
        return;
    user_code();
    subscription->options.state(subscription->options.user, state, why);
    end_telling(subscription);
}

static void tell_message_now(struct apphost_subscription *subscription, const struct apphost_message *message)
{
    if (!begin_telling(subscription))
        return;
    user_code();
    subscription->options.message(subscription->options.user, message);
    end_telling(subscription);
}

/* ---- Keeping ---- */

static void keep(struct apphost_subscription *subscription, struct news *news, size_t size)
{
    uint64_t one = 1;

    lock_take(&subscription->lock);
    bool is_first = !subscription->first;
    if (is_first)
        subscription->first = news;
    else
        subscription->last->next = news;
    subscription->last = news;
    subscription->backlog += size;
    if (is_first && write(subscription->fd, &one, sizeof(one)) < 0)
        errno = 0; /* full: then it is readable already */
    lock_drop(&subscription->lock);
}

void subscription_tell_state(struct apphost_subscription *subscription, enum apphost_subscription_state state,
                             const struct apphost_error *why)
{
    if (!subscription->options.is_polled) {
        tell_state_now(subscription, state, why);
        return;
    }
    struct news *news = calloc(1, sizeof(*news));
    if (!news)
        return;
    news->is_state = true;
    news->state = state;
    if (why)
        news->why = *why;
    keep(subscription, news, 0);
}

static struct apphost_bytes put(char **to, struct apphost_bytes from)
{
    struct apphost_bytes copy = {NULL, from.len};

    if (!from.data)
        return copy;
    copy.data = *to;
    memcpy(*to, from.data, from.len);
    *to += from.len;
    *(*to)++ = '\0';
    return copy;
}

/* What is kept of it. */
static size_t size_of(const struct apphost_message *message)
{
    return sizeof(struct news) + message->channel.len + message->pattern.len + message->data.len + 3;
}

void subscription_tell_message(struct apphost_subscription *subscription,
                               const struct apphost_message *message)
{
    size_t size = size_of(message);

    if (!subscription->options.is_polled) {
        tell_message_now(subscription, message);
        return;
    }
    struct news *news = calloc(1, size);
    if (!news)
        return;
    char *to = news->text;
    news->message.channel = put(&to, message->channel);
    news->message.pattern = put(&to, message->pattern);
    news->message.data = put(&to, message->data);
    keep(subscription, news, size);
}

bool subscription_is_full(struct apphost_subscription *subscription)
{
    size_t most = subscription->options.backlog_bytes;

    if (most == 0)
        most = DEFAULT_BACKLOG;
    lock_take(&subscription->lock);
    bool is_full = subscription->backlog >= most;
    lock_drop(&subscription->lock);
    return is_full;
}

/* The oldest, or NULL; when it is the last the descriptor is quiet. */
static struct news *take(struct apphost_subscription *subscription)
{
    uint64_t ignored;

    lock_take(&subscription->lock);
    struct news *news = subscription->first;
    if (news) {
        subscription->first = news->next;
        if (!news->is_state)
            subscription->backlog -= size_of(&news->message);
    }
    if (!subscription->first) {
        subscription->last = NULL;
        if (read(subscription->fd, &ignored, sizeof(ignored)) < 0)
            errno = 0;
    }
    lock_drop(&subscription->lock);
    return news;
}

static void tell(struct apphost_subscription *subscription, const struct news *news)
{
    if (!news->is_state)
        tell_message_now(subscription, &news->message);
    else if (news->state == APPHOST_SUBSCRIPTION_UP)
        tell_state_now(subscription, news->state, NULL);
    else
        tell_state_now(subscription, news->state, &news->why);
}

/* What has come by now: who publishes without end does not keep the caller here for ever. */
size_t apphost_subscription_dispatch(struct apphost_subscription *subscription)
{
    size_t count = 0;
    struct news *news;

    if (!subscription || !subscription->options.is_polled)
        return 0;
    lock_take(&subscription->lock);
    subscription->references++; /* a callback may close it */
    const struct news *last = subscription->last;
    lock_drop(&subscription->lock);
    for (bool is_last = !last; !is_last && (news = take(subscription)); count++) {
        is_last = news == last;
        tell(subscription, news);
        free(news);
    }
    own_wake(&subscription->own); /* there is room again */
    subscription_release(subscription);
    return count;
}

int apphost_subscription_fd(const struct apphost_subscription *subscription)
{
    if (!subscription || !subscription->options.is_polled)
        return -1;
    return subscription->fd;
}

/* ---- The end ---- */

static void free_subscription(struct apphost_subscription *subscription)
{
    while (subscription->first) {
        struct news *next = subscription->first->next;

        free(subscription->first);
        subscription->first = next;
    }
    while (subscription->names) {
        struct name *next = subscription->names->next;

        free(subscription->names);
        subscription->names = next;
    }
    own_fini(&subscription->own);
    close(subscription->fd);
    pthread_mutex_destroy(&subscription->lock);
    pthread_cond_destroy(&subscription->changed);
    free(subscription);
}

void subscription_release(struct apphost_subscription *subscription)
{
    lock_take(&subscription->lock);
    bool is_last = --subscription->references == 0;
    lock_drop(&subscription->lock);
    if (is_last)
        free_subscription(subscription);
}

void apphost_subscription_close(struct apphost_subscription *subscription)
{
    if (!subscription)
        return;
    own_end(&subscription->own, APPHOST_E_CLOSED);
    lock_take(&subscription->lock);
    subscription->is_over = true;
    while (subscription->is_telling && !pthread_equal(subscription->teller, pthread_self()))
        pthread_cond_wait(&subscription->changed, &subscription->lock);
    lock_drop(&subscription->lock);
    subscription_release(subscription);
}
