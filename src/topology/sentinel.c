/* A primary with replicas, and sentinels that watch them: who watches whom, and who is primary.
 *
 * Until somebody watches, it is a replication. Then every sentinel is told whom to watch, and of the others,
 * whom they would find by themselves in some seconds only. From then on theirs is the word: who is primary is
 * what they say, and a server that is not what it should be is told so only when no failover is going on and
 * they leave it as it is. One that comes back has forgotten all, and is told again. */
#include "topology/internal.h"

#include <stdlib.h>
#include <string.h>

/* The server's own half minute is made for networks that stutter. */
#define PATIENCE "down-after-milliseconds 5000 failover-timeout 10000"
#define ID_LENGTH 40

enum { LOOK_ID = SENTINEL_LOOKS, LOOK_PRIMARIES, RESET_PAUSE = 20 };

static const char *const role[] = {"ROLE", NULL};
static const char *const my_id[] = {"SENTINEL", "MYID", NULL};
static const char *const primaries[] = {"SENTINEL", "MASTERS", NULL};

/* ---- what is seen ---- */

/* Of names and values in turn. */
static const char *value_of(const struct resp_reply *row, const char *name)
{
    for (size_t i = 0; i + 1 < row->count; i += 2)
        if (resp_reply_is(&row->elements[i], name) && row->elements[i + 1].str)
            return row->elements[i + 1].str;
    return "";
}

static void read_watched(struct topology_seen *seen, const struct resp_reply *row)
{
    free(seen->of_host);
    seen->of_host = xstrdup(value_of(row, "ip"));
    seen->of_port = atoi(value_of(row, "port"));
    seen->is_linked = !strcmp(value_of(row, "flags"), "master");
    seen->offset = atoll(value_of(row, "config-epoch"));
    seen->replicas = atoi(value_of(row, "num-slaves"));
    seen->others = atoi(value_of(row, "num-other-sentinels"));
}

static bool read_reply(const struct topology_options *options, struct topology_seen *seen, size_t look,
                       const struct resp_reply *reply)
{
    if (look < SENTINEL_LOOKS)
        return seen_read_role(seen, reply);
    seen->role = ROLE_SENTINEL;
    if (look == LOOK_ID) {
        snprintf(seen->id, sizeof seen->id, "%s", reply->str ? reply->str : "");
        return reply->type != RESP_ERROR && strlen(seen->id) == ID_LENGTH;
    }
    for (size_t i = 0; reply->type == RESP_ARRAY && i < reply->count; i++)
        if (!strcmp(value_of(&reply->elements[i], "name"), options->primary_name))
            read_watched(seen, &reply->elements[i]);
    return reply->type == RESP_ARRAY;
}

static size_t first_sentinel(const struct standing *standing)
{
    return standing->options->count - (size_t)standing->options->sentinels;
}

static int watched_by(const struct standing *standing, size_t sentinel)
{
    const struct topology_seen *seen = &standing->members[sentinel].seen;
    return standing_find(standing, seen->of_host, seen->of_port);
}

/* The newest word counts. */
static int watched(const struct standing *standing)
{
    int primary = NOBODY;
    int64_t epoch = -1;
    for (size_t i = first_sentinel(standing); i < standing->options->count; i++) {
        const struct topology_seen *seen = &standing->members[i].seen;
        int of = watched_by(standing, i);
        if (of == NOBODY || seen->offset <= epoch)
            continue;
        primary = of;
        epoch = seen->offset;
    }
    return primary;
}

/* ---- servers ---- */

/* All say the same, and nothing is wrong or going on. */
static bool is_calm(const struct standing *standing, int primary)
{
    for (size_t i = first_sentinel(standing); i < standing->options->count; i++)
        if (watched_by(standing, i) != primary || !standing->members[i].seen.is_linked)
            return false;
    return standing->members[primary].seen.role == ROLE_PRIMARY && standing->rounds_alone >= ROUNDS_ALONE;
}

static void judge_servers(const struct standing *standing, int primary, struct judgement *out)
{
    bool may_order = is_calm(standing, primary);
    out->primary = primary;
    if (standing->members[primary].seen.role != ROLE_PRIMARY)
        judgement_trouble(out, "%s is no primary yet", standing->members[primary].name);
    judge_replicas_of(standing, may_order, out);
}

/* ---- sentinels ---- */

static void tell_of_others(const struct standing *standing, size_t sentinel, struct judgement *out)
{
    const struct member *primary = &standing->members[out->primary];
    for (size_t i = first_sentinel(standing); i < standing->options->count; i++) {
        const struct member *other = &standing->members[i];
        if (i != sentinel)
            judgement_order(out, sentinel, "PUBLISH __sentinel__:hello %s,%d,%s,0,%s,%s,%d,0", other->host,
                            other->port, other->seen.id, standing->options->primary_name, primary->host,
                            primary->port);
    }
}

static void tell_whom_to_watch(const struct standing *standing, size_t sentinel, struct judgement *out)
{
    const struct member *primary = &standing->members[out->primary];
    const char *name = standing->options->primary_name;
    judgement_order(out, sentinel, "SENTINEL MONITOR %s %s %d %d", name, primary->host, primary->port,
                    standing->options->quorum);
    judgement_order(out, sentinel, "SENTINEL SET %s " PATIENCE " auth-pass " ORDER_PASSWORD, name);
    tell_of_others(standing, sentinel, out);
    judgement_trouble(out, "%s does not watch %s yet", standing->members[sentinel].name, primary->name);
}

/* It remembers who is gone, or has not looked since somebody came: that is made good by beginning anew, now
 * and then, when nothing is going on. */
static void judge_numbers(const struct standing *standing, size_t sentinel, struct judgement *out)
{
    const struct topology_options *options = standing->options;
    const struct member *member = &standing->members[sentinel];
    int others = options->sentinels - 1, replicas = (int)first_sentinel(standing) - 1;
    if (member->seen.others == others && member->seen.replicas == replicas)
        return;
    if (member->seen.others < others)
        tell_of_others(standing, sentinel, out);
    if (member->seen.is_linked && standing->rounds_alone % RESET_PAUSE == ROUNDS_ALONE)
        judgement_order(out, sentinel, "SENTINEL RESET %s", options->primary_name);
    judgement_trouble(out, "%s knows %d replicas of %d, and %d sentinels of %d", member->name,
                      member->seen.replicas, replicas, member->seen.others, others);
}

static void judge_sentinel(const struct standing *standing, size_t sentinel, struct judgement *out)
{
    const struct member *member = &standing->members[sentinel];
    const struct topology_seen *seen = &member->seen;
    int of = watched_by(standing, sentinel);
    if (!seen->of_host) {
        tell_whom_to_watch(standing, sentinel, out);
    } else if (of == NOBODY) {
        judgement_order(out, sentinel, "SENTINEL REMOVE %s", standing->options->primary_name);
        judgement_trouble(out, "%s watches %s:%d", member->name, seen->of_host, seen->of_port);
    } else if (of != out->primary) {
        judgement_trouble(out, "%s watches %s still", member->name, standing->members[of].name);
    } else {
        judge_numbers(standing, sentinel, out);
        if (!seen->is_linked)
            judgement_trouble(out, "%s does not find all well", member->name);
    }
}

static void judge(const struct standing *standing, struct judgement *out)
{
    int primary = watched(standing);
    if (primary == NOBODY)
        replication_rules.judge(standing, out);
    else if (standing_is_complete(standing, out))
        judge_servers(standing, primary, out);
    else
        out->primary = primary;

    bool is_sound = !out->trouble;
    for (size_t i = first_sentinel(standing); is_sound && i < standing->options->count; i++)
        judge_sentinel(standing, i, out);
    out->is_formed = !out->trouble;
    if (primary != NOBODY)
        out->is_alone = !out->is_formed;
}

const struct rules sentinel_rules = {
    .looks = {role, [LOOK_ID] = my_id, [LOOK_PRIMARIES] = primaries}, .read = read_reply, .judge = judge};
