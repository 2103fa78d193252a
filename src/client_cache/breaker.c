/*
 * The circuit breaker: after so many outages in a row nothing is tried for a while, then one caller may.
 *
 * Closed: everything passes, a success sets the count to zero. Open: everything fails at once. After the
 * pause the first caller probes; its success closes the breaker, its failure opens it anew. A probe
 * that never reports (its call was cancelled) is replaced after another pause.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"

enum { DEFAULT_PAUSE_MS = 30000 };

bool is_outage(enum apphost_code code)
{
    return code == APPHOST_E_CONNECT || code == APPHOST_E_TIMEOUT || code == APPHOST_E_TLS ||
           code == APPHOST_E_AUTH || code == APPHOST_E_PROTOCOL || code == APPHOST_E_BUSY ||
           code == APPHOST_E_OPEN;
}

static int pause_of(const struct apphost_cache *cache)
{
    if (cache->options.breaker_pause_ms > 0)
        return cache->options.breaker_pause_ms;
    return DEFAULT_PAUSE_MS;
}

int breaker_enter(struct apphost_cache *cache, struct apphost_error *error)
{
    struct breaker *breaker = &cache->breaker;
    int64_t until = atomic_load(&breaker->open_until_ms), probe = atomic_load(&breaker->probe_until_ms);

    if (until == 0)
        return 0;
    int64_t now = clock_ms();
    if (now >= until && now >= probe &&
        atomic_compare_exchange_strong(&breaker->probe_until_ms, &probe, now + pause_of(cache)))
        return 0;
    cache_count(cache, COUNT_SHORT, 1);
    return fail_set(error, APPHOST_E_OPEN, NULL,
                    "the circuit breaker is open for %d ms more: Redis failed %d times in a row",
                    clock_left(until), atomic_load(&breaker->failures));
}

static void open_breaker(struct apphost_cache *cache, int failures)
{
    int pause = pause_of(cache);

    if (atomic_exchange(&cache->breaker.open_until_ms, clock_ms() + pause) == 0)
        log_write(cache->redis->log, APPHOST_LOG_WARNING, LOG_CACHE,
                  "Circuit breaker opened after %d failures, for %d ms", failures, pause);
}

void breaker_leave(struct apphost_cache *cache, const struct apphost_error *failure)
{
    struct breaker *breaker = &cache->breaker;

    if (cache->options.breaker_failures <= 0)
        return;
    if (failure && is_outage(failure->code)) {
        int failures = atomic_fetch_add(&breaker->failures, 1) + 1;

        if (failures >= cache->options.breaker_failures)
            open_breaker(cache, failures);
    } else if (!failure || failure->code != APPHOST_E_CANCELLED) {
        if (atomic_load(&breaker->failures))
            atomic_store(&breaker->failures, 0);
        if (atomic_load(&breaker->open_until_ms) && atomic_exchange(&breaker->open_until_ms, 0))
            log_write(cache->redis->log, APPHOST_LOG_INFORMATION, LOG_CACHE, "Circuit breaker closed");
    }
    atomic_store(&breaker->probe_until_ms, 0);
}
