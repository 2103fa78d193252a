/* A primary with replicas: who the primary is, and what the others are told.
 *
 * The primary is who was it last and has not been away since; else who has replicas already; else who has
 * seen most changes: of servers that come back with their data, that is who was primary before. All equal:
 * the first one. */
#include "topology/internal.h"

static const char *const role[] = {"ROLE", NULL};

static bool read_reply(const struct topology_options *options, struct topology_seen *seen, size_t look,
                       const struct resp_reply *reply)
{
    (void)options, (void)look;
    return seen_read_role(seen, reply);
}

static bool is_primary(const struct standing *standing, int member)
{
    return member != NOBODY && standing->members[member].seen.role == ROLE_PRIMARY;
}

/* Who replicates it. */
static size_t count_replicas(const struct standing *standing, int primary)
{
    size_t count = 0;
    for (size_t i = 0; i < standing->options->count; i++) {
        const struct topology_seen *seen = &standing->members[i].seen;
        if (seen->role == ROLE_REPLICA)
            count += standing_find(standing, seen->of_host, seen->of_port) == primary;
    }
    return count;
}

/* More replicas first, then more changes; nobody's replica before one. */
static bool is_better(const struct standing *standing, int one, int other)
{
    const struct topology_seen *a = &standing->members[one].seen, *b = &standing->members[other].seen;
    if (is_primary(standing, one) != is_primary(standing, other))
        return is_primary(standing, one);
    size_t of_one = count_replicas(standing, one), of_other = count_replicas(standing, other);
    if (of_one != of_other)
        return of_one > of_other;
    return a->offset > b->offset;
}

static int find_primary(const struct standing *standing)
{
    int best = 0;
    if (is_primary(standing, standing->primary))
        return standing->primary;
    for (int i = 1; i < (int)standing->options->count; i++)
        if (is_better(standing, i, best))
            best = i;
    return best;
}

static void judge_replica(const struct standing *standing, int replica, bool may_order, struct judgement *out)
{
    const struct member *member = &standing->members[replica];
    const struct member *primary = &standing->members[out->primary];
    const struct topology_seen *seen = &member->seen;
    int of = NOBODY;
    if (seen->role == ROLE_REPLICA)
        of = standing_find(standing, seen->of_host, seen->of_port);

    if (of != out->primary) {
        if (may_order)
            judgement_order(out, (size_t)replica, "REPLICAOF %s %d", primary->host, primary->port);
        judgement_trouble(out, "%s is no replica of %s yet", member->name, primary->name);
    } else if (!seen->is_linked) {
        judgement_trouble(out, "%s has no link to %s", member->name, primary->name);
    } else if (!standing_is_fed(standing, out->primary, replica)) {
        judgement_trouble(out, "%s does not feed %s yet", primary->name, member->name);
    }
}

void judge_replicas_of(const struct standing *standing, bool may_order, struct judgement *out)
{
    for (int i = 0; i < (int)standing->options->count; i++)
        if (i != out->primary && standing->members[i].seen.role != ROLE_SENTINEL)
            judge_replica(standing, i, may_order, out);
}

/* Some are away: what is seen of the others is told, and nothing is done. */
static int remaining_primary(const struct standing *standing)
{
    for (int i = 0; i < (int)standing->options->count; i++)
        if (is_primary(standing, i) && (i == standing->primary || count_replicas(standing, i)))
            return i;
    return NOBODY;
}

static void judge(const struct standing *standing, struct judgement *out)
{
    if (!standing_is_complete(standing, out)) {
        out->primary = remaining_primary(standing);
        return;
    }
    out->primary = find_primary(standing);
    out->is_alone = !is_primary(standing, out->primary);
    if (out->is_alone && standing->rounds_alone < ROUNDS_ALONE) {
        judgement_trouble(out, "nobody is primary");
        return;
    }

    if (out->is_alone) {
        judgement_order(out, (size_t)out->primary, "REPLICAOF NO ONE");
        judgement_trouble(out, "%s is no primary yet", standing->members[out->primary].name);
    }
    judge_replicas_of(standing, true, out);
    out->is_formed = !out->trouble;
}

const struct rules replication_rules = {.looks = {role}, .read = read_reply, .judge = judge};
