/* room: client_redis */
/* Putting a cluster together, moving slots, asking all of it. */
#include "farm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, PATIENCE = 6000, PAUSE_MS = 10 };

size_t farm_shard(int slot)
{
    return (size_t)slot * FARM_SHARDS / SLOTS;
}

static int first_slot(size_t shard)
{
    return (int)((shard * SLOTS + FARM_SHARDS - 1) / FARM_SHARDS);
}

__attribute__((format(printf, 2, 3))) static void expect_ok(const struct server *server, const char *format,
                                                            ...)
{
    char command[256];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    char *text = server_ask(server, command);
    if (strcmp(text, "OK") != 0)
        fail_msg("%s: %s", command, text);
    free(text);
}

static void await_text(const struct server *server, const char *command, const char *text)
{
    for (int i = 0; i < PATIENCE; i++) {
        char *info = server_ask(server, command);
        bool is = strstr(info, text) != NULL;

        free(info);
        if (is)
            return;
        poll(NULL, 0, PAUSE_MS);
    }
    fail_msg("%s never says %s", command, text);
}

static void start_node(struct farm *farm, size_t i)
{
    int bus = free_port();

    snprintf(farm->starts[i], sizeof(farm->starts[i]),
             "--cluster-enabled yes --cluster-port %d --cluster-node-timeout 2000 --cluster-config-file "
             "nodes.conf "
             "--repl-diskless-sync-delay 0 --cluster-replica-validity-factor 0",
             bus);
    server_start(&farm->nodes[i], farm->starts[i]);
    char *id = server_ask(&farm->nodes[i], "CLUSTER MYID");
    snprintf(farm->ids[i], sizeof(farm->ids[i]), "%s", id);
    free(id);
    if (i > 0)
        expect_ok(&farm->nodes[0], "CLUSTER MEET %s %d %d", "127.0.0.1", farm->nodes[i].port, bus);
}

void farm_start(struct farm *farm, bool has_replicas)
{
    char known[64];

    *farm = (struct farm){.count = has_replicas ? FARM_NODES : FARM_SHARDS};
    for (size_t i = 0; i < farm->count; i++)
        start_node(farm, i);
    snprintf(known, sizeof(known), "cluster_known_nodes:%zu\r", farm->count);
    for (size_t i = 0; i < farm->count; i++)
        await_text(&farm->nodes[i], "CLUSTER INFO", known);
    for (size_t i = 0; i < FARM_SHARDS; i++)
        expect_ok(&farm->nodes[i], "CLUSTER ADDSLOTSRANGE %d %d", first_slot(i), first_slot(i + 1) - 1);
    for (size_t i = FARM_SHARDS; i < farm->count; i++) {
        await_text(&farm->nodes[i], "CLUSTER NODES", farm->ids[i - FARM_SHARDS]);
        expect_ok(&farm->nodes[i], "CLUSTER REPLICATE %s", farm->ids[i - FARM_SHARDS]);
    }
    for (size_t i = 0; i < farm->count; i++)
        await_text(&farm->nodes[i], "CLUSTER INFO", "cluster_state:ok");
    for (size_t i = FARM_SHARDS; i < farm->count; i++)
        await_text(&farm->nodes[i], "INFO replication", "master_link_status:up");
    /* All have to know whose replica is whose, or none of them may take over. */
    for (size_t i = 0; i < farm->count; i++)
        for (size_t k = FARM_SHARDS; k < farm->count; k++) {
            char text[128];

            snprintf(text, sizeof(text), "slave %s", farm->ids[k - FARM_SHARDS]);
            await_text(&farm->nodes[i], "CLUSTER NODES", text);
        }
}

void farm_stop(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++)
        server_stop(&farm->nodes[i]);
}

void farm_move_begin(struct farm *farm, int slot, size_t from, size_t to)
{
    expect_ok(&farm->nodes[to], "CLUSTER SETSLOT %d IMPORTING %s", slot, farm->ids[from]);
    expect_ok(&farm->nodes[from], "CLUSTER SETSLOT %d MIGRATING %s", slot, farm->ids[to]);
}

size_t farm_move_keys(struct farm *farm, int slot, size_t from, size_t to, size_t count)
{
    size_t moved = 0;

    while (moved < count) {
        char *key = server_first(&farm->nodes[from], "CLUSTER GETKEYSINSLOT %d 1", slot);

        if (!key)
            break;
        char *text =
            server_ask(&farm->nodes[from], "MIGRATE 127.0.0.1 %d %s 0 5000", farm->nodes[to].port, key);
        if (strcmp(text, "OK") != 0 && strcmp(text, "NOKEY") != 0)
            fail_msg("MIGRATE %s: %s", key, text);
        moved += strcmp(text, "OK") == 0;
        free(text);
        free(key);
    }
    return moved;
}

/* The epoch that a node has heard of, or its own; -1 where it does not say. */
static long long epoch_of(const struct server *server, const char *which)
{
    char *info = server_ask(server, "CLUSTER INFO"), *at = strstr(info, which);
    long long epoch = at ? atoll(at + strlen(which)) : -1;

    free(info);
    return epoch;
}

static bool agrees(struct farm *farm, long long epoch)
{
    for (size_t i = 0; i < farm->count; i++)
        if (epoch_of(&farm->nodes[i], "cluster_current_epoch:") != epoch)
            return false;
    return true;
}

/* Who takes a slot does so with an epoch above all that it has heard of. Unless it has heard of the latest,
 * the one before, whose word is still under way, wins it back. */
static void settle(struct farm *farm, size_t taker)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (agrees(farm, epoch_of(&farm->nodes[taker], "cluster_my_epoch:")))
            return;
        poll(NULL, 0, PAUSE_MS);
    }
    fail_msg("the nodes never agree on the epoch");
}

void farm_move_end(struct farm *farm, int slot, size_t from, size_t to)
{
    farm_move_keys(farm, slot, from, to, SIZE_MAX);
    expect_ok(&farm->nodes[to], "CLUSTER SETSLOT %d NODE %s", slot, farm->ids[to]);
    expect_ok(&farm->nodes[from], "CLUSTER SETSLOT %d NODE %s", slot, farm->ids[to]);
    settle(farm, to);
}

long long farm_sum(struct farm *farm, const char *section, const char *before)
{
    long long sum = 0;

    for (size_t i = 0; i < farm->count; i++) {
        if (farm->nodes[i].pid <= 0)
            continue;
        char *info = server_ask(&farm->nodes[i], "INFO %s", section), *at = strstr(info, before);

        if (at)
            sum += atoll(at + strlen(before));
        free(info);
    }
    return sum;
}
