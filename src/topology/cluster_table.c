/* CLUSTER NODES and CLUSTER INFO, read: what a member of a cluster knows of the others. Pure.
 *
 * A line: id, address ("10.0.0.1:7001@17001,name"), flags, id of the primary or "-", ping, pong, epoch, state
 * of the link, slots ("0-5460", "77", and "[…" for those that move). Source: the documentation of CLUSTER
 * NODES. */
#include "topology/cluster.h"

#include <stdlib.h>
#include <string.h>

enum { FIXED_FIELDS = 8, MOST_PEERS = 1024 };

void cluster_table_free(struct cluster_table *table)
{
    for (size_t i = 0; table && i < table->count; i++)
        free(table->peers[i].slots);
    if (table)
        free(table->peers);
    free(table);
}

static bool has_flag(const char *flags, const char *flag)
{
    size_t length = strlen(flag);
    for (const char *at = strstr(flags, flag); at; at = strstr(at + 1, flag))
        if ((at == flags || at[-1] == ',') && (!at[length] || at[length] == ','))
            return true;
    return false;
}

static void read_address(struct cluster_peer *peer, char *text)
{
    text[strcspn(text, "@,")] = '\0';
    char *colon = strrchr(text, ':');
    if (!colon)
        return;
    *colon = '\0';
    snprintf(peer->host, sizeof peer->host, "%s", text);
    peer->port = atoi(colon + 1);
}

static void read_flags(struct cluster_peer *peer, const char *flags)
{
    peer->is_self = has_flag(flags, "myself");
    peer->is_replica = has_flag(flags, "slave");
    peer->is_handshake = has_flag(flags, "handshake");
    peer->is_failed = has_flag(flags, "fail") || has_flag(flags, "noaddr");
}

/* Slots that are on their way count where they are. */
static char *read_slots(char *rest)
{
    struct strbuf slots = {0};
    char *more = NULL;
    for (char *word = strtok_r(rest, " ", &more); word; word = strtok_r(NULL, " ", &more))
        if (*word != '[')
            strbuf_addf(&slots, "%s ", word);
    return strbuf_take(&slots);
}

static bool read_peer(struct cluster_peer *peer, char *line)
{
    char *words[FIXED_FIELDS], *rest = NULL;
    words[0] = strtok_r(line, " ", &rest);
    for (int i = 1; i < FIXED_FIELDS; i++)
        words[i] = strtok_r(NULL, " ", &rest);
    if (!words[FIXED_FIELDS - 1] || strlen(words[0]) != CLUSTER_ID)
        return false;

    *peer = (struct cluster_peer){.epoch = strtoll(words[6], NULL, 10)};
    memcpy(peer->id, words[0], CLUSTER_ID);
    read_address(peer, words[1]);
    read_flags(peer, words[2]);
    snprintf(peer->of, sizeof peer->of, "%s", words[3]);
    peer->is_linked = !strcmp(words[7], "connected");
    peer->slots = read_slots(rest);
    return true;
}

struct cluster_table *cluster_table_read(const char *text)
{
    struct cluster_table *table = xcalloc(1, sizeof *table);
    cleanup_free char *lines = xstrdup(text);
    char *rest = NULL;
    table->self = NOBODY;
    for (char *line = strtok_r(lines, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        table->peers = xreallocarray(table->peers, table->count + 1, sizeof *table->peers);
        if (table->count == MOST_PEERS || !read_peer(&table->peers[table->count], line))
            break;
        if (table->peers[table->count].is_self)
            table->self = (int)table->count;
        table->count++;
    }

    if (table->self != NOBODY)
        return table;
    cluster_table_free(table);
    return NULL;
}

const struct cluster_peer *cluster_find(const struct cluster_table *table, const char *id)
{
    for (size_t i = 0; i < table->count; i++)
        if (!table->peers[i].is_handshake && !strcmp(table->peers[i].id, id))
            return &table->peers[i];
    return NULL;
}

const struct cluster_peer *cluster_self(const struct cluster_table *table)
{
    return &table->peers[table->self];
}

void cluster_mark_slots(const char *slots, bool *marks)
{
    char *end;
    while (*slots) {
        long first = strtol(slots, &end, 10), last = first;
        if (end == slots)
            return;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        for (long slot = first; slot <= last && slot >= 0 && slot < CLUSTER_SLOTS; slot++)
            marks[slot] = true;
        slots = end + strspn(end, " ");
    }
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

char *cluster_map(const struct cluster_table *table)
{
    cleanup_strlist struct strlist lines = {0};
    struct strbuf map = {0};
    for (size_t i = 0; i < table->count; i++)
        if (*table->peers[i].slots)
            strlist_addf(&lines, "%s %s", table->peers[i].id, table->peers[i].slots);
    if (lines.count)
        qsort(lines.items, lines.count, sizeof *lines.items, compare_lines);
    for (size_t i = 0; i < lines.count; i++)
        strbuf_addf(&map, "%s\n", lines.items[i]);
    return strbuf_take(&map);
}
