/* A cluster: who knows whom, who has which slots, who replicates whom.
 *
 * A cold start is one round of orders: slots and epochs, and everybody meets everybody, which the servers do
 * within a tenth of a second; replicas are told once they know their primary. Data that was kept brings its
 * own slots, epochs and ids: its members meet again at the addresses that they have now. A member that has
 * lost its data is a new one: the others forget who it was, and it gets what is left over.
 *
 * Never is a slot moved, or taken from somebody who has it. What does not fit together (data of another
 * cluster, another number of shards, slots whose owner is gone with data) is said, and nothing is done. */
#include "topology/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_NODES, LOOK_INFO, LOOK_ROLE, MESH_LIMIT = 16 };

static const char *const nodes[] = {"CLUSTER", "NODES", NULL};
static const char *const info[] = {"CLUSTER", "INFO", NULL};
static const char *const role[] = {"ROLE", NULL};

static bool read_reply(const struct topology_options *options, struct topology_seen *seen, size_t look,
                       const struct resp_reply *reply)
{
    (void)options;
    if (look == LOOK_ROLE)
        return seen_read_role(seen, reply);
    if (reply->type == RESP_ERROR || !reply->str)
        return false;
    if (look == LOOK_NODES) {
        cluster_table_free(seen->table);
        seen->table = cluster_table_read(reply->str);
    } else if (seen->table) {
        seen->table->is_ok = strstr(reply->str, "cluster_state:ok") != NULL;
    }
    return seen->table != NULL;
}

/* ---- what is seen ---- */

static size_t count_of(const struct standing *standing)
{
    return standing->options->count;
}

static const struct cluster_table *table_of(const struct standing *standing, size_t member)
{
    return standing->members[member].seen.table;
}

static const struct cluster_peer *self_of(const struct standing *standing, size_t member)
{
    return cluster_self(table_of(standing, member));
}

static const char *name_of(const struct standing *standing, size_t member)
{
    return standing->members[member].name;
}

/* The member with this id, or NOBODY: it is none of ours. */
static int find_id(const struct standing *standing, const char *id)
{
    for (size_t i = 0; i < count_of(standing); i++)
        if (!strcmp(self_of(standing, i)->id, id))
            return (int)i;
    return NOBODY;
}

static bool is_primary(const struct standing *standing, size_t member)
{
    return !self_of(standing, member)->is_replica;
}

static bool has_slots(const struct standing *standing, size_t member)
{
    return *self_of(standing, member)->slots != '\0';
}

/* It was a member of some cluster before. */
static bool is_used(const struct standing *standing, size_t member)
{
    return has_slots(standing, member) || table_of(standing, member)->count > 1;
}

static bool knows(const struct standing *standing, size_t one, size_t other)
{
    return cluster_find(table_of(standing, one), self_of(standing, other)->id) != NULL;
}

static const struct cluster_peer *stranger_of(const struct standing *standing, size_t member)
{
    const struct cluster_table *table = table_of(standing, member);
    for (size_t i = 0; i < table->count; i++)
        if (!table->peers[i].is_handshake && find_id(standing, table->peers[i].id) == NOBODY)
            return &table->peers[i];
    return NULL;
}

/* ---- who does not belong ---- */

static bool shares_slots(const struct cluster_peer *one, const struct cluster_peer *other)
{
    cleanup_free bool *marks = xcalloc(CLUSTER_SLOTS, sizeof *marks);
    cleanup_free bool *others = xcalloc(CLUSTER_SLOTS, sizeof *others);
    cluster_mark_slots(one->slots, marks);
    cluster_mark_slots(other->slots, others);
    for (int slot = 0; slot < CLUSTER_SLOTS; slot++)
        if (marks[slot] && others[slot])
            return true;
    return false;
}

/* Two that were members before, and not of the same one. */
static bool are_of_two(const struct standing *standing, size_t one, size_t other)
{
    if (!is_used(standing, one) || !is_used(standing, other))
        return false;
    if (knows(standing, one, other) || knows(standing, other, one))
        return false;
    return stranger_of(standing, one) || stranger_of(standing, other) ||
           shares_slots(self_of(standing, one), self_of(standing, other));
}

static bool is_of_another_cluster(const struct standing *standing, struct judgement *out)
{
    for (size_t i = 1; i < count_of(standing); i++) {
        for (size_t j = 0; j < i; j++) {
            if (!are_of_two(standing, j, i))
                continue;
            judgement_final(out, "the data of %s and of %s are of two clusters", name_of(standing, j),
                            name_of(standing, i));
            return true;
        }
    }
    return false;
}

static int find_replica(const struct standing *standing, const struct cluster_peer *primary)
{
    for (size_t i = 0; i < count_of(standing); i++) {
        const struct cluster_peer *self = self_of(standing, i);
        if (self->is_replica && !strcmp(self->of, primary->id))
            return (int)i;
    }
    return NOBODY;
}

/* Its primary has gone for good: it takes over with what it has. */
static bool takes_over(const struct standing *standing, const struct cluster_peer *gone,
                       struct judgement *out)
{
    int replica = find_replica(standing, gone);
    if (replica == NOBODY)
        return false;
    judgement_order(out, (size_t)replica, "CLUSTER FAILOVER TAKEOVER");
    judgement_trouble(out, "%s takes the place of its lost primary", name_of(standing, (size_t)replica));
    return true;
}

/* A member that has slots which the other one has, or had. */
static int find_owner(const struct standing *standing, const struct cluster_peer *other)
{
    for (size_t i = 0; i < count_of(standing); i++) {
        const struct cluster_peer *self = self_of(standing, i);
        if (self != other && is_primary(standing, i) && shares_slots(self, other))
            return (int)i;
    }
    return NOBODY;
}

/* Somebody had slots, and data in them that nobody here may give up. A replica of his is made primary by the
 * others, as long as most of them are there. */
static void miss_data(const struct standing *standing, const struct cluster_peer *gone, struct judgement *out)
{
    int replica = find_replica(standing, gone), owner = find_owner(standing, gone);
    if (owner != NOBODY)
        judgement_trouble(out, "not everybody knows yet that %s has the slots of one who has gone",
                          name_of(standing, (size_t)owner));
    else if (replica != NOBODY)
        judgement_trouble(out, "the node with the slots %shas gone, and %s has not taken its place yet",
                          gone->slots, name_of(standing, (size_t)replica));
    else
        judgement_final(out, "the node with the slots %shas gone, and its data with it", gone->slots);
}

static void forget(const struct standing *standing, const struct cluster_peer *gone, struct judgement *out)
{
    for (size_t i = 0; i < count_of(standing); i++)
        if (cluster_find(table_of(standing, i), gone->id))
            judgement_order(out, i, "CLUSTER FORGET %s", gone->id);
    judgement_trouble(out, "a former node is being forgotten");
}

/* True: there was somebody. */
static bool send_strangers_away(const struct standing *standing, struct judgement *out)
{
    for (size_t i = 0; i < count_of(standing); i++) {
        const struct cluster_peer *gone = stranger_of(standing, i);
        if (!gone)
            continue;
        if (*gone->slots && standing->options->keeps_data)
            miss_data(standing, gone, out);
        else if (!takes_over(standing, gone, out))
            forget(standing, gone, out);
        return true;
    }
    return false;
}

/* ---- who knows whom ---- */

static bool is_met(const struct standing *standing, size_t one, size_t other)
{
    const struct cluster_peer *peer = cluster_find(table_of(standing, one), self_of(standing, other)->id);
    const struct member *member = &standing->members[other];
    return peer && peer->port == member->port && !strcmp(peer->host, member->host);
}

static bool shakes_hands(const struct standing *standing, size_t one, size_t other)
{
    const struct cluster_table *table = table_of(standing, one);
    const struct member *member = &standing->members[other];
    for (size_t i = 0; i < table->count; i++) {
        const struct cluster_peer *peer = &table->peers[i];
        if (peer->is_handshake && peer->port == member->port && !strcmp(peer->host, member->host))
            return true;
    }
    return false;
}

static void meet(const struct standing *standing, size_t one, size_t other, struct judgement *out)
{
    const struct member *member = &standing->members[other];
    if (!shakes_hands(standing, one, other))
        judgement_order(out, one, "CLUSTER MEET %s %d %d", member->host, member->port, member->bus_port);
    judgement_trouble(out, "%s has not met %s yet", name_of(standing, one), name_of(standing, other));
}

/* Everybody meets everybody; of very many, the first meets all and word gets round. */
static bool have_met(const struct standing *standing, struct judgement *out)
{
    bool all = true;
    for (size_t i = 0; i < count_of(standing); i++) {
        for (size_t j = i + 1; j < count_of(standing); j++) {
            if (is_met(standing, i, j) && is_met(standing, j, i))
                continue;
            all = false;
            if (i == 0 || count_of(standing) <= MESH_LIMIT)
                meet(standing, i, j, out);
        }
    }
    return all;
}

/* ---- slots ---- */

static void order_range(struct judgement *out, size_t member, int first, int last)
{
    judgement_order(out, member, "CLUSTER ADDSLOTSRANGE %d %d", first, last);
}

/* The next `count` slots that nobody has, from *slot on, as ranges. */
static void give(const bool *covered, int *slot, int count, size_t member, struct judgement *out)
{
    int first = NOBODY;
    for (; *slot < CLUSTER_SLOTS && (count > 0 || first != NOBODY); (*slot)++) {
        bool is_free = !covered[*slot] && count > 0;
        if (is_free && first == NOBODY)
            first = *slot;
        if (!is_free && first != NOBODY) {
            order_range(out, member, first, *slot - 1);
            first = NOBODY;
            if (count <= 0)
                return;
        }
        count -= is_free;
    }
    if (first != NOBODY)
        order_range(out, member, first, *slot - 1);
}

/* The first members without slots; none is left: whoever has some. */
static size_t next_owner(const struct standing *standing, size_t from)
{
    for (size_t i = from; i < count_of(standing); i++)
        if (is_primary(standing, i) && !has_slots(standing, i))
            return i;
    for (size_t i = 0; i < count_of(standing); i++)
        if (is_primary(standing, i))
            return i;
    return 0;
}

/* Only somebody who knows nobody can be given one. */
static void set_epoch(const struct standing *standing, size_t member, struct judgement *out)
{
    if (table_of(standing, member)->count == 1 && !self_of(standing, member)->epoch)
        judgement_order(out, member, "CLUSTER SET-CONFIG-EPOCH %zu", member + 1);
}

static int count_owners(const struct standing *standing)
{
    int owners = 0;
    for (size_t i = 0; i < count_of(standing); i++)
        owners += is_primary(standing, i) && has_slots(standing, i);
    return owners;
}

static int count_free(const bool *covered)
{
    int missing = 0;
    for (int slot = 0; slot < CLUSTER_SLOTS; slot++)
        missing += !covered[slot];
    return missing;
}

/* True: nothing is missing. */
static bool are_slots_given(const struct standing *standing, struct judgement *out)
{
    cleanup_free bool *covered = xcalloc(CLUSTER_SLOTS, sizeof *covered);
    for (size_t i = 0; i < count_of(standing); i++)
        if (is_primary(standing, i))
            cluster_mark_slots(self_of(standing, i)->slots, covered);
    int missing = count_free(covered), parts = standing->options->shards - count_owners(standing), slot = 0;
    if (!missing)
        return true;

    parts = parts > 0 ? parts : 1;
    int share = (missing + parts - 1) / parts;
    size_t owner = 0;
    for (; missing > 0; missing -= share, owner++) {
        owner = next_owner(standing, owner);
        give(covered, &slot, share, owner, out);
        set_epoch(standing, owner, out);
    }
    judgement_trouble(out, "slots are being given to their nodes");
    return false;
}

/* ---- replicas ---- */

static size_t count_replicas(const struct standing *standing, size_t primary, const size_t *more)
{
    size_t count = more[primary];
    for (size_t i = 0; i < count_of(standing); i++)
        count += self_of(standing, i)->is_replica &&
                 !strcmp(self_of(standing, i)->of, self_of(standing, primary)->id);
    return count;
}

/* With the fewest. */
static int neediest(const struct standing *standing, const size_t *more)
{
    int best = NOBODY;
    size_t fewest = 0;
    for (size_t i = 0; i < count_of(standing); i++) {
        if (!is_primary(standing, i) || !has_slots(standing, i))
            continue;
        size_t count = count_replicas(standing, i, more);
        if (best != NOBODY && count >= fewest)
            continue;
        best = (int)i;
        fewest = count;
    }
    return best;
}

static void judge_replicas(const struct standing *standing, struct judgement *out)
{
    cleanup_free size_t *more = xcalloc(count_of(standing), sizeof *more);
    for (size_t i = 0; i < count_of(standing); i++) {
        int primary = NOBODY;
        if (is_primary(standing, i) && !has_slots(standing, i))
            primary = neediest(standing, more);
        if (primary == NOBODY)
            continue;
        more[primary]++;
        if (knows(standing, i, (size_t)primary))
            judgement_order(out, i, "CLUSTER REPLICATE %s", self_of(standing, (size_t)primary)->id);
        judgement_trouble(out, "%s is no replica of %s yet", name_of(standing, i),
                          name_of(standing, (size_t)primary));
    }
}

/* ---- is it one? ---- */

static void check_maps(const struct standing *standing, struct judgement *out)
{
    cleanup_free char *first = cluster_map(table_of(standing, 0));
    for (size_t i = 1; i < count_of(standing); i++) {
        cleanup_free char *map = cluster_map(table_of(standing, i));
        if (strcmp(map, first) != 0)
            judgement_trouble(out, "%s does not know yet who has which slots", name_of(standing, i));
    }
}

static void check_replica(const struct standing *standing, int replica, struct judgement *out)
{
    const char *name = name_of(standing, (size_t)replica);
    int primary = find_id(standing, self_of(standing, (size_t)replica)->of);
    if (!standing->members[replica].seen.is_linked)
        judgement_trouble(out, "%s has no link to its primary", name);
    else if (primary != NOBODY && !standing_is_fed(standing, primary, replica))
        judgement_trouble(out, "%s does not feed %s yet", name_of(standing, (size_t)primary), name);
}

static void check_members(const struct standing *standing, struct judgement *out)
{
    for (size_t i = 0; i < count_of(standing); i++) {
        const struct topology_seen *seen = &standing->members[i].seen;
        if (seen->table->count != count_of(standing))
            judgement_trouble(out, "%s knows %zu nodes of %zu", name_of(standing, i), seen->table->count,
                              count_of(standing));
        if (!seen->table->is_ok)
            judgement_trouble(out, "%s says that the cluster is not ok", name_of(standing, i));
        if (seen->role == ROLE_REPLICA)
            check_replica(standing, (int)i, out);
    }
}

/* Two have the same slots: one of them has been away, and does not know yet. */
static bool is_handing_over(const struct standing *standing)
{
    for (size_t i = 0; i < count_of(standing); i++)
        if (is_primary(standing, i) && find_owner(standing, self_of(standing, i)) != NOBODY)
            return true;
    return false;
}

static bool has_its_shards(const struct standing *standing, struct judgement *out)
{
    int owners = count_owners(standing), wanted = standing->options->shards;
    if (owners == wanted)
        return true;
    if (is_handing_over(standing))
        judgement_trouble(out, "a primary does not know yet that another has taken its place");
    else
        judgement_final(out, "its data are of %d shards, and %d are wanted: slots are not moved", owners,
                        wanted);
    return false;
}

static void judge(const struct standing *standing, struct judgement *out)
{
    if (!standing_is_complete(standing, out) || is_of_another_cluster(standing, out) ||
        send_strangers_away(standing, out))
        return;

    bool are_given = are_slots_given(standing, out);
    bool are_met = have_met(standing, out);
    if (are_given && has_its_shards(standing, out))
        judge_replicas(standing, out);
    if (are_given && are_met && !out->trouble) {
        check_maps(standing, out);
        check_members(standing, out);
    }
    out->is_formed = !out->trouble;
}

const struct rules cluster_rules = {.looks = {nodes, info, role}, .read = read_reply, .judge = judge};
