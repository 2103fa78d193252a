/* What rules of all kinds use: orders, troubles, and what is seen. Pure. */
#include "topology/cluster.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void seen_clear(struct topology_seen *seen)
{
    free(seen->of_host);
    free(seen->fed);
    cluster_table_free(seen->table);
    *seen = (struct topology_seen){0};
}

void judgement_clear(struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->order_count; i++)
        strlist_free(&judgement->orders[i].words);
    free(judgement->orders);
    free(judgement->trouble);
    *judgement = (struct judgement){.primary = NOBODY};
}

void judgement_order(struct judgement *judgement, size_t to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    va_end(args);

    judgement->orders =
        xreallocarray(judgement->orders, judgement->order_count + 1, sizeof *judgement->orders);
    struct order *order = &judgement->orders[judgement->order_count++];
    *order = (struct order){.to = to};
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        strlist_add(&order->words, word);
}

/* True: nothing was said before. */
__attribute__((format(printf, 2, 0))) static bool say(struct judgement *judgement, const char *format,
                                                      va_list args)
{
    if (judgement->trouble)
        return false;
    judgement->trouble = xvasprintf(format, args);
    return true;
}

void judgement_trouble(struct judgement *judgement, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(judgement, format, args);
    va_end(args);
}

void judgement_final(struct judgement *judgement, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    judgement->is_final |= say(judgement, format, args);
    va_end(args);
}

int standing_find(const struct standing *standing, const char *host, int port)
{
    for (size_t i = 0; host && i < standing->options->count; i++) {
        const struct member *member = &standing->members[i];
        if (member->host && member->port == port && strcmp(member->host, host) == 0)
            return (int)i;
    }
    return NOBODY;
}

bool standing_is_complete(const struct standing *standing, struct judgement *out)
{
    size_t missing = 0;
    for (size_t i = 0; i < standing->options->count; i++) {
        const struct member *member = &standing->members[i];
        if (member->is_here && member->seen.is_known)
            continue;
        missing++;
        if (member->name)
            judgement_trouble(out, "%s does not %s", member->name, member->is_here ? "answer" : "run");
    }
    if (missing)
        judgement_trouble(out, "%zu of its %zu nodes do not run yet", missing, standing->options->count);
    return !missing;
}

bool standing_is_fed(const struct standing *standing, int primary, int replica)
{
    const char *fed = standing->members[primary].seen.fed;
    char port[16];
    snprintf(port, sizeof port, " %d ", standing->members[replica].port);
    return fed && strstr(fed, port);
}

/* Address, port and offset of each replica that is in step; those that still load are not named. */
static char *read_fed(const struct resp_reply *replicas)
{
    struct strbuf ports = {0};
    strbuf_adds(&ports, " ");
    for (size_t i = 0; replicas->type == RESP_ARRAY && i < replicas->count; i++) {
        const struct resp_reply *row = &replicas->elements[i];
        if (row->type == RESP_ARRAY && row->count > 1 && row->elements[1].str)
            strbuf_addf(&ports, "%s ", row->elements[1].str);
    }
    return strbuf_take(&ports);
}

/* "master", offset, replicas. */
static bool read_primary(struct topology_seen *seen, const struct resp_reply *reply)
{
    if (reply->count < 3)
        return false;
    seen->role = ROLE_PRIMARY;
    seen->offset = reply->elements[1].integer;
    free(seen->fed);
    seen->fed = read_fed(&reply->elements[2]);
    return true;
}

/* "slave", host, port, state of the link, offset. */
static bool read_replica(struct topology_seen *seen, const struct resp_reply *reply)
{
    if (reply->count < 5 || !reply->elements[1].str)
        return false;
    seen->role = ROLE_REPLICA;
    free(seen->of_host);
    seen->of_host = xstrdup(reply->elements[1].str);
    seen->of_port = (int)reply->elements[2].integer;
    seen->is_linked = resp_reply_is(&reply->elements[3], "connected");
    seen->offset = reply->elements[4].integer;
    return true;
}

bool seen_read_role(struct topology_seen *seen, const struct resp_reply *reply)
{
    if (reply->type != RESP_ARRAY || !reply->count)
        return false;
    if (resp_reply_is(&reply->elements[0], "master"))
        return read_primary(seen, reply);
    return resp_reply_is(&reply->elements[0], "slave") && read_replica(seen, reply);
}

const struct rules *rules_of(enum model_topology_kind kind)
{
    static const struct rules *const rules[MODEL_TOPOLOGY_COUNT] = {
        /* not all: one server alone has none */
        [MODEL_TOPOLOGY_REPLICATION] = &replication_rules,
        [MODEL_TOPOLOGY_CLUSTER] = &cluster_rules,
        [MODEL_TOPOLOGY_SENTINEL] = &sentinel_rules,
    };
    return rules[kind];
}
