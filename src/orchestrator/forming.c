/* Row `formed`: servers that are one are made so, once each of them answers, before anybody who depends on
 * them starts. The room topology/ does it; here stands which nodes belong together, and what it told becomes
 * facts.
 *
 * One forming for all nodes of a resource, made with the first that gets to its row and gone with the last. A
 * node's row is met once its topology was complete with the instance that runs now; that it loses another
 * node later does not undo it. Failures: the row has a limit, and what is missing stands in the report; data
 * that can never become what is wanted fail their nodes at once. */
#include "orchestrator/internal.h"

#include "base/pick.h"
#include "topology/topology.h"

#include <string.h>

struct forming {
    struct orchestrator *o;
    char *resource, *wanted; /* the latter in words: another one is formed anew */
    struct topology *topology;
    size_t count, members;
    struct node **nodes; /* by number; NULL: not there */
    struct forming *prev, *next;
};

static struct forming *find(const struct node *node)
{
    struct forming *found;
    DL_FOREACH(node->o->formings, found)
    {
        if (str_eq(found->resource, node_replica_of(node)))
            return found;
    }
    return NULL;
}

bool forming_is_met(const struct node *node)
{
    return !node->spec->run.topology.kind || node->facts.formed || node_is_over(node);
}

const char *forming_trouble(const struct node *node)
{
    bool is_waiting = node->forming && node->goal && node->goal->is_met == forming_is_met;
    if (!is_waiting)
        return NULL;
    return topology_trouble(node->forming->topology);
}

const char *forming_delay(const struct node *node)
{
    const char *trouble = forming_trouble(node);
    if (!trouble || !topology_is_held_up(node->forming->topology))
        return NULL;
    return trouble;
}

/* ---- what it tells ---- */

static void note_role(struct node *node, const char *role)
{
    if (node->is_apart && !node->facts.joined)
        role = ROLE_CUT_OFF;
    if (str_eq(role, node->facts.role))
        return;
    free(node->facts.role);
    node->facts.role = xstrdup_null(role);
    node_wake(node);
}

static void on_changed(void *data)
{
    struct forming *forming = data;
    bool is_formed = topology_is_formed(forming->topology);
    for (size_t i = 0; i < forming->count; i++) {
        struct node *node = forming->nodes[i];
        if (!node)
            continue;
        note_role(node, topology_role(forming->topology, i));
        facts_form(node, node->facts.formed || is_formed);
        node_wake(node);
    }
}

struct node *forming_writable(struct node *node)
{
    struct forming *forming = node->forming;
    bool takes_writes = !forming || str_eq(node->facts.role, "primary");
    for (size_t i = 0; !takes_writes && i < forming->count; i++) {
        struct node *other = forming->nodes[i];
        if (other && str_eq(other->facts.role, "primary"))
            return other;
    }
    return node;
}

struct node *forming_next_primary(const struct node *node, size_t *at)
{
    bool is_cluster = node->forming && node->spec->run.topology.kind == MODEL_TOPOLOGY_CLUSTER;
    while (is_cluster && *at < node->forming->count) {
        struct node *other = node->forming->nodes[(*at)++];
        if (other && other != node && str_eq(other->facts.role, "primary"))
            return other;
    }
    return NULL;
}

/* ---- members ---- */

static size_t count_of(const struct node *node)
{
    const struct plan_topology *wanted = &node->spec->run.topology;
    return (size_t)(wanted->shards * (1 + wanted->replicas) + wanted->sentinels);
}

static char *wanted_of(const struct node *node)
{
    const struct plan_topology *wanted = &node->spec->run.topology;
    return xasprintf("%d %d %d %d %d %s", (int)wanted->kind, wanted->shards, wanted->replicas,
                     wanted->sentinels, wanted->quorum, text_or_empty(wanted->primary_name));
}

static struct forming *make(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct plan_topology *wanted = &node->spec->run.topology;
    struct forming *forming = xcalloc(1, sizeof *forming);
    forming->o = o;
    forming->resource = xstrdup(node_replica_of(node));
    forming->wanted = wanted_of(node);
    forming->count = count_of(node);
    forming->nodes = xcalloc(forming->count, sizeof(struct node *));

    const struct topology_options options = {
        .kind = wanted->kind,
        .shards = wanted->shards,
        .sentinels = wanted->sentinels,
        .quorum = wanted->quorum,
        .primary_name = wanted->primary_name,
        .count = forming->count,
        .keeps_data = !node->spec->run.ephemeral,
        .on_changed = on_changed,
        .data = forming,
    };
    forming->topology = topology_new(o->services.loop, &options);
    DL_APPEND(o->formings, forming);
    return forming;
}

static void drop(struct forming *forming)
{
    DL_DELETE(forming->o->formings, forming);
    topology_free(forming->topology);
    free(forming->nodes);
    free(forming->resource);
    free(forming->wanted);
    free(forming);
}

/* NAME-3 is the third, NAME-sentinel-1 the first after all servers. */
static size_t number_of(const struct node *node)
{
    const char *dash = strrchr(node->resource, '-');
    size_t others = 0;
    if (!dash)
        return 0;
    if (str_starts(node->resource + strlen(node_replica_of(node)), "-sentinel-"))
        others = count_of(node) - (size_t)node->spec->run.topology.sentinels;
    return others + (size_t)strtol(dash + 1, NULL, 10) - 1;
}

static void join(struct forming *forming, struct node *node)
{
    size_t number = number_of(node);
    char *password;
    if (number >= forming->count)
        return; /* the next plan has fewer of them: it is about to go */
    const struct redis_conn_options server = server_access(node, &password);
    forming->nodes[number] = node;
    forming->members++;
    node->forming = forming;
    topology_join(forming->topology, number, node->resource, &server, port_of(node, "bus"));
    server_forget(password);
}

void forming_look(struct node *node)
{
    if (node->forming)
        note_role(node, topology_role(node->forming->topology, number_of(node)));
}

/* The manifest wants another one now: those that run go over. */
static struct forming *remake(struct forming *old, struct node *node)
{
    struct forming *forming = make(node);
    for (size_t i = 0; i < old->count; i++) {
        struct node *member = old->nodes[i];
        if (!member)
            continue;
        member->forming = NULL;
        join(forming, member);
    }
    drop(old);
    return forming;
}

static void fail_if_hopeless(struct node *node)
{
    const struct topology *topology = node->forming->topology;
    cleanup_error struct error err = {0};
    if (!topology_is_hopeless(topology))
        return;
    error_set(&err, ERROR_RESOURCE, "%s", topology_trouble(topology));
    error_hint(&err, "bring back what it was (its data, its number of shards), or begin without data: "
                     "apphost down --volumes");
    node_fail_in_words(node, &err);
}

void forming_start(struct node *node)
{
    struct forming *forming = find(node);
    cleanup_free char *wanted = wanted_of(node);
    if (!forming)
        forming = make(node);
    else if (!str_eq(forming->wanted, wanted))
        forming = remake(forming, node);
    if (node->forming)
        fail_if_hopeless(node);
    else
        join(forming, node);
}

void forming_leave(struct node *node)
{
    struct forming *forming = take_ptr(&node->forming);
    facts_form(node, false);
    free(take_ptr(&node->facts.role));
    if (!forming)
        return;

    for (size_t i = 0; i < forming->count; i++) {
        if (forming->nodes[i] != node)
            continue;
        forming->nodes[i] = NULL;
        topology_leave(forming->topology, i);
    }
    if (--forming->members == 0)
        drop(forming);
}
