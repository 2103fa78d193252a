/*
 * Entries of HybridCache: one round trip for the entry and for what may have removed it, another one only for
 * tags that nobody named before. With level one most of it needs none.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_cache/hybrid.h"

#include <stdlib.h>
#include <string.h>

enum { EXPIRE_MS = 300000, TICKS_PER_MS = 10000, WHOLE_MS = 1000 };

struct apphost_hybrid hybrid_told(const struct apphost_cache *cache, const struct apphost_hybrid *how)
{
    const struct hybrid_defaults *defaults = &cache->hybrid;
    struct apphost_hybrid told = *how;

    if (told.expire_ms == 0)
        told.expire_ms = defaults->expire_ms;
    if (told.jitter_ms == 0)
        told.jitter_ms = defaults->jitter_ms;
    if (told.stale_ms == 0)
        told.stale_ms = defaults->stale_ms;
    if (told.soft_ms == 0)
        told.soft_ms = defaults->soft_ms;
    if (told.hard_ms == 0)
        told.hard_ms = defaults->hard_ms;
    if (told.throttle_ms == 0)
        told.throttle_ms = defaults->throttle_ms;
    if (told.eager_percent == 0)
        told.eager_percent = defaults->eager_percent;
    return told;
}

/* ---- Reading ---- */

/* What is asked about one entry. */
struct hybrid_question {
    struct apphost_cache *cache;
    struct full_key key;
    struct marks marks;
    struct apphost_value value; /* the envelope */
    bool has_entry;             /* it came from level one */
    bool is_local;              /* no server is asked */
    bool is_kept;               /* its answer is kept while Redis is away */
    bool takes_nothing;         /* its caller wants to know that there is no value */
    uint64_t ticket;
};

static int take_entry(struct hybrid_question *question, struct replies *replies, struct apphost_error *error)
{
    struct reading reading;
    int rc = cache_decode(question->cache, replies->items[0], &reading, error);

    if (rc < 0)
        return -1;
    reading.is_kept = question->is_kept;
    if (rc == 1) {
        level_one_put(question->cache, &question->key, &reading, question->ticket);
        reading_give(&reading, &replies->items[0], &question->value);
    }
    big_keys_note(question->cache, &question->key, reading.value.len);
    return 0;
}

static int send_question(struct hybrid_question *question, struct conn_command *commands,
                         struct apphost_error *error)
{
    struct apphost_cache *cache = question->cache;
    const char *argv[5];
    size_t lens[5], own = !question->has_entry;
    struct replies replies;

    if (own)
        commands[0] = cache_hmget(&question->key, argv, lens, true);
    size_t count = own + marks_ask(&question->marks, commands + own);
    if (count == 0)
        return 0;
    if (question->is_local)
        return -1;
    const struct batch batch = cache_question(NULL, commands, count);
    if (cache_call(cache, cache_key_role(cache, &question->key), &batch, &replies, error) < 0)
        return -1;

    int rc = 0;
    if (own)
        rc = take_entry(question, &replies, error);
    if (rc == 0)
        rc = marks_take(&question->marks, &replies, own, error);
    replies_free(&replies);
    return rc;
}

static int ask(struct hybrid_question *question, struct apphost_error *error)
{
    struct conn_command *commands = calloc(question->marks.count + 1, sizeof(*commands));

    if (!commands)
        return fail_memory(error);
    int rc = send_question(question, commands, error);
    free(commands);
    return rc;
}

/* Whether a tag of the entry that nobody had named says that it is gone. 1, 0, -1. */
static int ask_unnamed(struct hybrid_question *question, const struct payload *payload,
                       struct apphost_error *error)
{
    struct apphost_bytes tag, *unnamed = calloc(payload->tag_count + 1, sizeof(*unnamed));
    struct hybrid_question more = {.cache = question->cache, .key = question->key, .has_entry = true};

    size_t at = 0, count = 0;
    int rc = 0;

    more.is_local = question->is_local;
    more.marks.is_recalled = question->marks.is_recalled;
    if (!unnamed)
        return fail_memory(error);
    while (payload_next_tag(payload, &at, &tag))
        if (!marks_know(&question->marks, tag))
            unnamed[count++] = tag;
    if (count > 0)
        rc = marks_init(&more.marks, question->cache, unnamed, count, error);
    if (rc == 0 && count > 0) {
        rc = ask(&more, error);
        if (rc == 0)
            rc = marks_hide(&more.marks, payload->key, payload->created);
        marks_fini(&more.marks);
    }
    free(unnamed);
    return rc;
}

bool hybrid_keeps_nothing(const struct apphost_cache *cache, const struct apphost_hybrid *how)
{
    return how->nothing_ms > 0 && !cache->options.strict_wire; /* .NET has no such entries */
}

static bool is_of(const struct payload *payload, struct apphost_bytes key)
{
    return payload->key.len == key.len && (key.len == 0 || memcmp(payload->key.data, key.data, key.len) == 0);
}

/* The data, in the memory that the envelope has: its end gives way to the NUL. */
static void give(struct hybrid_question *question, const struct payload *payload, struct finding *finding)
{
    char *data = (char *)payload->data.data;

    data[payload->data.len] = '\0';
    finding->value =
        (struct apphost_value){.data = data, .len = payload->data.len, .owner = question->value.owner};
    question->value = (struct apphost_value){0};
    finding->created = payload->created;
    finding->duration = payload->duration;
    finding->state = HYBRID_OLD;
    if (marks_now() < payload->created + payload->duration)
        finding->state = HYBRID_FRESH;
}

/* Who did not ask to be told of it has a miss, as everybody has when its time is over. */
static void give_nothing(const struct hybrid_question *question, const struct payload *payload,
                         struct finding *finding)
{
    if (!question->takes_nothing || marks_now() >= payload->created + payload->duration)
        return;
    finding->created = payload->created;
    finding->duration = payload->duration;
    finding->state = HYBRID_FRESH;
}

/* What cannot be read, or is another key's, is as good as nothing. */
static int judge(struct hybrid_question *question, struct apphost_bytes key, struct finding *finding,
                 struct apphost_error *error)
{
    struct payload payload;

    if (!question->value.data || !payload_decode(&payload, question->value.data, question->value.len) ||
        !is_of(&payload, key) || marks_hide(&question->marks, key, payload.created))
        return 0;
    int rc = ask_unnamed(question, &payload, error);
    if (rc == 0 && !payload.is_nothing)
        give(question, &payload, finding);
    if (rc == 0 && payload.is_nothing)
        give_nothing(question, &payload, finding);
    return failed_or_0(rc);
}

/* One answer, with what level one had of it. */
static int look_once(struct hybrid_question *question, struct apphost_bytes key, struct finding *finding,
                     struct apphost_error *error)
{
    if (!question->has_entry)
        question->ticket = level_one_ticket(question->cache, &question->key);
    int rc = ask(question, error);
    if (rc == 0)
        rc = judge(question, key, finding, error);
    apphost_value_free(&question->value);
    return rc;
}

/* What level one has of the key was removed, as far as is known here. Somebody may have written it anew, of
 * which the server's word is still under way: the server is asked. */
static int look_behind(struct hybrid_question *question, struct apphost_bytes key, struct finding *finding,
                       struct apphost_error *error)
{
    level_one_forget(question->cache, question->key.hash);
    question->has_entry = false;
    return look_once(question, key, finding, error);
}

static int look(struct hybrid_question *question, struct apphost_bytes key, const struct apphost_hybrid *how,
                struct finding *finding, struct apphost_error *error)
{
    if (marks_init(&question->marks, question->cache, how->tags, how->tag_count, error) < 0 ||
        marks_add_common(&question->marks, error) < 0)
        return -1;
    question->has_entry = level_one_get(question->cache, &question->key, &question->value);
    question->is_kept = how->stale_ms > 0;
    question->takes_nothing = hybrid_keeps_nothing(question->cache, how);

    int rc = look_once(question, key, finding, error);
    if (rc == 0 && question->has_entry && finding->state == HYBRID_MISS)
        rc = look_behind(question, key, finding, error);
    marks_fini(&question->marks);
    if (rc == 0 && !question->has_entry)
        cache_count_read(question->cache, finding->state == HYBRID_FRESH);
    return rc;
}

int hybrid_look(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                struct finding *finding, struct apphost_error *error)
{
    struct hybrid_question question = {.cache = cache};
    struct apphost_error local;

    *finding = (struct finding){.state = HYBRID_MISS};
    if (full_key_init(&question.key, cache, key, error) < 0)
        return -1;
    int rc = look(&question, key, how, finding, &local);
    full_key_fini(&question.key);
    if (rc == 0)
        return 0;
    finding->is_away = cache_is_away(&local);
    return cache_give_up(cache, &local, 0, error);
}

/* The entry and its marks, as they were known last. */
static int recall(struct hybrid_question *question, struct apphost_bytes key,
                  const struct apphost_hybrid *how, struct finding *finding)
{
    struct apphost_error ignored;

    if (!level_one_recall(question->cache, &question->key, &question->value) ||
        marks_init(&question->marks, question->cache, how->tags, how->tag_count, &ignored) < 0 ||
        marks_add_common(&question->marks, &ignored) < 0)
        return -1;
    int rc = ask(question, &ignored);
    if (rc == 0)
        rc = judge(question, key, finding, &ignored);
    marks_fini(&question->marks);
    return rc;
}

/* Whether it may still be given, by the time that its caller grants. */
static bool is_in_time(const struct finding *finding, const struct apphost_hybrid *how)
{
    return (marks_now() - finding->created - finding->duration) / TICKS_PER_MS < how->stale_ms;
}

bool hybrid_recall(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                   struct finding *finding)
{
    struct hybrid_question question = {
        .cache = cache, .has_entry = true, .is_local = true, .marks = {.is_recalled = true}};
    struct apphost_error ignored;

    *finding = (struct finding){.state = HYBRID_MISS};
    if (!cache->level || how->stale_ms <= 0 || full_key_init(&question.key, cache, key, &ignored) < 0)
        return false;
    int rc = recall(&question, key, how, finding);
    full_key_fini(&question.key);
    apphost_value_free(&question.value);
    if (rc == 0 && finding->state != HYBRID_MISS && is_in_time(finding, how)) {
        finding->state = HYBRID_OLD;
        return true;
    }
    apphost_value_free(&finding->value);
    finding->state = HYBRID_MISS;
    return false;
}

bool hybrid_is_due(const struct finding *finding, const struct apphost_hybrid *how)
{
    int percent = how->eager_percent;

    return percent > 0 && marks_now() - finding->created >= finding->duration / 100 * percent;
}

bool hybrid_peek(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                 struct finding *finding)
{
    struct hybrid_question question = {.cache = cache, .is_local = true};
    struct apphost_error ignored;

    *finding = (struct finding){.state = HYBRID_MISS};
    if (!cache->level || full_key_init(&question.key, cache, key, &ignored) < 0)
        return false;
    int rc = look(&question, key, how, finding, &ignored);
    full_key_fini(&question.key);
    if (rc == 0 && finding->state == HYBRID_FRESH && !hybrid_is_due(finding, how))
        return true;
    apphost_value_free(&finding->value);
    return false;
}

int apphost_hybrid_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
                       struct apphost_error *error)
{
    static const struct apphost_hybrid none = {0};
    struct finding finding;

    if (!value)
        return fail_argument(error, "value", "is NULL");
    *value = (struct apphost_value){0};
    if (hybrid_look(cache, key, &none, &finding, error) < 0)
        return -1;
    if (finding.state != HYBRID_FRESH) {
        apphost_value_free(&finding.value);
        return 0;
    }
    *value = finding.value;
    return 1;
}

/* ---- Writing ---- */

static int64_t fresh_ms(const struct apphost_hybrid *how)
{
    int64_t ms = set_or(how->expire_ms, EXPIRE_MS);

    if (how->jitter_ms > 0)
        ms += (int64_t)clock_random((uint64_t)how->jitter_ms + 1);
    return ms;
}

static int check_times(const struct apphost_hybrid *how, struct apphost_error *error)
{
    const int64_t most = INT64_MAX / 4 / TICKS_PER_MS;

    if (how->expire_ms < 0 || how->expire_ms > most)
        return fail_argument(error, "expire_ms", "is out of range");
    if (how->jitter_ms < 0 || how->jitter_ms > most)
        return fail_argument(error, "jitter_ms", "is out of range");
    if (how->nothing_ms < 0 || how->nothing_ms > most)
        return fail_argument(error, "nothing_ms", "is out of range");
    if (how->stale_ms < 0 || how->stale_ms > most)
        return fail_argument(error, "stale_ms", "is out of range");
    return 0;
}

/* Its time to live in Redis is cut to whole seconds, and must not end before it is old. */
static int64_t life_ms(int64_t ms, int64_t stale_ms)
{
    return (ms + stale_ms + WHOLE_MS - 1) / WHOLE_MS * WHOLE_MS;
}

int hybrid_write(struct apphost_cache *cache, const struct dated *dated, const struct apphost_hybrid *how,
                 struct apphost_error *error)
{
    size_t len;

    if (check_times(how, error) < 0)
        return -1;
    int64_t ms = fresh_ms(how), stale_ms = how->stale_ms;
    if (dated->is_nothing) {
        ms = how->nothing_ms;
        stale_ms = 0;
    }
    const struct payload payload = {.created = dated->created,
                                    .duration = ms * TICKS_PER_MS,
                                    .key = dated->key,
                                    .data = dated->data,
                                    .is_nothing = dated->is_nothing,
                                    .tag_count = how->tag_count};
    void *envelope = payload_encode(&payload, how->tags, &len);
    if (!envelope)
        return fail_memory(error);

    int rc =
        apphost_cache_set(cache, dated->key, envelope, len, apphost_expire_in(life_ms(ms, stale_ms)), error);
    free(envelope);
    return rc;
}

int apphost_hybrid_set(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_bytes data,
                       const struct apphost_hybrid *how, struct apphost_error *error)
{
    static const struct apphost_hybrid none = {0};
    const struct dated dated = {.key = key, .data = data, .created = marks_now()};

    if (!cache || !key.data)
        return fail_null(error, cache, "cache", "key");
    if (!data.data && data.len > 0)
        return fail_argument(error, "value", "is NULL");
    const struct apphost_hybrid told = hybrid_told(cache, bytes_or(how, &none));
    return hybrid_write(cache, &dated, &told, error);
}
