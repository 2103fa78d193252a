/* room: client_redis */
/* A real cluster of redis-server processes: shards with a replica each, put together by hand. */
#ifndef TEST_FARM_H
#define TEST_FARM_H

#include "server.h"

enum { FARM_SHARDS = 3, FARM_NODES = 2 * FARM_SHARDS };

struct farm {
    struct server nodes[FARM_NODES]; /* primaries at first, then their replicas in the same order */
    char ids[FARM_NODES][48];
    size_t count;
    char starts[FARM_NODES][256]; /* how each was started */
};

/* With `has_replicas` there is one for each shard, and it is in step. */
void farm_start(struct farm *farm, bool has_replicas);
void farm_stop(struct farm *farm);

/* Which shard a slot belonged to at first. */
size_t farm_shard(int slot);

/* Moves a slot step by step: begun (both know), half (some keys are gone), over. */
void farm_move_begin(struct farm *farm, int slot, size_t from, size_t to);
size_t farm_move_keys(struct farm *farm, int slot, size_t from, size_t to, size_t count);
void farm_move_end(struct farm *farm, int slot, size_t from, size_t to);

/* The sum of a number of INFO over all nodes, as in "cmdstat_cluster|slots:calls=". */
long long farm_sum(struct farm *farm, const char *section, const char *before);

#endif
