/*
 * Get-or-create without waiting. Happy path: a thread asks Redis; what has to be made is made on another, and
 * the call rides its flight meanwhile, which takes none. The keeper ends what takes longer than it may. A
 * call that was cancelled, or whose queue is gone, asks nothing any more, and a creation that only such calls
 * wait for does not begin.
 *
 * Whoever has the request ends it, once: it owns the copy of what was asked, and lets go of the call by
 * putting it into its queue.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/pick.h"
#include "client_cache/hybrid.h"
#include "client_cache/queue.h"

#include <stdlib.h>

enum { USUAL_MS = 5000 };

struct hybrid_request {
    struct job job;
    struct rider rider;
    struct apphost_call *call;
    struct making *copy; /* of what was asked: key, tags and the rest; it is not run */
    struct hybrid_call asking;
    int timeout_ms;   /* of the thread that has started it; 0: none */
    int patience_ms;  /* how long it may wait for a thread to ask Redis */
    int64_t begin_ms; /* hard_ms counts from here */
};

static struct hybrid_request *of_job(struct job *job)
{
    return (struct hybrid_request *)job;
}

static struct hybrid_request *of_rider(const struct rider *rider)
{
    return (struct hybrid_request *)((char *)rider - offsetof(struct hybrid_request, rider));
}

static void drop(struct hybrid_request *request)
{
    apphost_value_free(&request->asking.finding.value);
    free(request->copy);
    free(request);
}

/* The call has its value, or its error. */
static void end(struct hybrid_request *request, int rc)
{
    struct apphost_call *call = request->call;

    call->made = rc;
    call->has_failed = rc < 0;
    if (!request->asking.is_handed_over)
        hybrid_release(&request->copy->how);
    drop(request);
    call_ready(call);
}

static void end_late(struct job *job)
{
    struct hybrid_request *request = of_job(job);
    const char *whose = pick(request->copy->how.hard_ms > 0, "hard_ms", "asyncTimeout");

    end(request, fail_set(&request->call->error, APPHOST_E_TIMEOUT, whose,
                          "%d ms went by before there was a thread to ask Redis", request->patience_ms));
}

/* ---- Riding ---- */

static bool is_off(const struct rider *rider)
{
    return call_is_off(of_rider(rider)->call);
}

/* The flight keeps its value, for others. */
static void on_landed(struct rider *rider, int rc, const struct apphost_value *value,
                      const struct apphost_error *error)
{
    struct hybrid_request *request = of_rider(rider);
    struct apphost_call *call = request->call;

    if (rc == -1)
        call->error = *error;
    if (rc >= 0 && value->data && value_copy(&call->value, value->data, value->len) < 0)
        rc = fail_memory(&call->error);
    if (rc > 0)
        rc = 0;
    end(request, hybrid_conclude(&request->asking, rc, &call->value, &call->error));
}

static int64_t due_of(const struct hybrid_request *request)
{
    const struct hybrid_call *asking = &request->asking;

    if (asking->limit_ms <= 0)
        return 0;
    if (asking->wants_better)
        return clock_ms() + asking->limit_ms;
    return request->begin_ms + asking->limit_ms;
}

/* Lands it for all that ride it, where there is no way to make it. */
static void begin_making(struct apphost_cache *cache, struct making *making, struct flight *flight)
{
    static const struct apphost_value none = {0};
    struct apphost_error error = {0};

    if (making && making_start(making, flight) == 0)
        return;
    fail_set(&error, APPHOST_E_BUSY, "create", "no thread can be had, or too many creations wait for one");
    flight_land(cache, flight, -1, &none, &error);
    if (making)
        making_free(making);
}

static struct making *new_making(struct hybrid_request *request)
{
    struct making *making = hybrid_new_making(&request->asking, &request->call->error);

    if (!making)
        return NULL;
    making->may_be_off = true;
    making->parent = request->copy->parent;
    return making;
}

/* It rides before the creation begins, or nobody would be seen to have called that off; and may have ended
 * when it does. */
static void have_made(struct hybrid_request *request)
{
    struct apphost_cache *cache = request->asking.cache;
    struct making *making = NULL;
    bool is_owner;
    struct flight *flight = flight_join(cache, request->asking.key, FLIGHT_HYBRID, &is_owner);

    if (!flight) {
        end(request, fail_memory(&request->call->error));
        return;
    }
    request->rider =
        (struct rider){.cache = cache, .due_ms = due_of(request), .done = on_landed, .is_off = is_off};
    if (is_owner) {
        making = new_making(request);
        flight_hold(cache, flight);
        flight_hand_over(cache, flight, making ? making->creation.key : apphost_bytes(NULL, 0));
    }
    flight_board(flight, &request->rider);
    if (is_owner)
        begin_making(cache, making, flight);
}

/* ---- Asking ---- */

static int ask(struct hybrid_request *request, struct apphost_error *error)
{
    struct apphost_call *call = request->call;

    if (call_is_off(call))
        return fail_set(error, APPHOST_E_CANCELLED, "cancel", "the call was cancelled");
    trace_parent_use(&request->copy->parent);
    const struct apphost_limits before = limits_narrow(request->timeout_ms);
    int rc = hybrid_ask(&request->asking, &call->value, error);
    apphost_limits_set(&before);
    return rc;
}

static void work(struct job *job)
{
    struct hybrid_request *request = of_job(job);
    int rc = ask(request, &request->call->error);

    if (rc == HYBRID_MAKE)
        have_made(request);
    else
        end(request, rc);
}

/* ---- Starting ---- */

static void finish_call(struct apphost_call *call, struct apphost_result *result)
{
    result->rc = call->made;
    result->data = call->value.data;
    result->len = call->value.len;
}

/* As of any call on a loop. */
static int64_t patience_of(struct apphost_cache *cache, int timeout_ms)
{
    const struct conn *conn = redis_conn(cache->redis, DIAL_PRIMARY, NULL);
    int64_t usual_ms = USUAL_MS;

    if (conn)
        usual_ms = option_number(conn_options(conn), OPT_ASYNC_TIMEOUT);
    return set_or(timeout_ms, set_or(cache->options.timeout_ms, usual_ms));
}

static struct hybrid_request *request_new(struct apphost_call *call,
                                          const struct apphost_hybrid_request *from,
                                          const struct apphost_hybrid *told)
{
    struct apphost_cache *cache = call->cache;
    struct hybrid_request *request = calloc(1, sizeof(*request));

    if (!request)
        return NULL;
    request->copy = making_new(cache, from->key, told, 0);
    if (!request->copy) {
        free(request);
        return NULL;
    }
    request->call = call;
    request->asking.cache = cache;
    request->asking.key = request->copy->creation.key;
    request->asking.how = &request->copy->how;
    request->timeout_ms = limits_timeout(0);
    request->begin_ms = clock_ms();
    request->job = (struct job){.cache = cache, .work = work, .late = end_late};
    request->patience_ms = (int)set_or(told->hard_ms, patience_of(cache, request->timeout_ms));
    request->job.due_ms = request->begin_ms + request->patience_ms;
    return request;
}

static int start_call(struct apphost_call *call, const struct apphost_hybrid_request *from,
                      const struct apphost_hybrid *told, struct apphost_error *error)
{
    struct hybrid_request *request = request_new(call, from, told);

    if (!request)
        return fail_memory(error);
    if (makers_begin(&request->job, MAKERS_ASK) == 0)
        return 0;
    drop(request);
    return fail_set(error, APPHOST_E_BUSY, "create", "no thread can be had, or too many calls wait for one");
}

static int begin_call(struct apphost_call *call, const struct apphost_hybrid_request *request,
                      struct apphost_error *error)
{
    struct finding finding;

    if (hybrid_check(call->cache, &request->how, error) < 0)
        return -1;
    const struct apphost_hybrid told = hybrid_told(call->cache, &request->how);
    if (!hybrid_peek(call->cache, request->key, &told, &finding))
        return start_call(call, request, &told, error);
    call->made = APPHOST_FRESH;
    call->value = finding.value;
    hybrid_release(&request->how);
    call_ready(call);
    return 0;
}

struct apphost_call *apphost_hybrid_get_or_create_start(struct apphost_cache *cache,
                                                        struct apphost_queue *queue,
                                                        const struct apphost_hybrid_request *request,
                                                        apphost_result_fn done, void *user,
                                                        struct apphost_error *error)
{
    struct apphost_call *call = NULL;

    if (!request) {
        fail_argument(error, "request", "is NULL");
        return NULL;
    }
    if (!cache)
        fail_argument(error, "cache", "is NULL");
    else
        call = call_new(queue, done, user, finish_call, error);
    if (call) {
        call->cache = cache;
        call->is_local = true; /* what it asks is counted where it is asked */
        call_belongs_to(call, cache->redis);
    }

    if (call && begin_call(call, request, error) == 0)
        return call;
    hybrid_release(&request->how);
    call_free(call);
    return NULL;
}
