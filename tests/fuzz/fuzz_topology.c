/* room: topology */
/* Any replies as what the members of a topology say of themselves: a stream of RESP, dealt out to three
 * members and to the questions of the rules. The first byte chooses the rules. No crash, no leak; a judgement
 * names members that are there, its orders are commands, and what is formed has no trouble. */
#include "topology/cluster.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVERS = 3, SENTINELS = 2, MEMBERS = SERVERS + SENTINELS };

struct fuzz {
    struct topology_options options;
    struct member members[MEMBERS];
    const struct rules *rules;
    size_t member, look;
};

static void check_slots(const struct cluster_table *table)
{
    static bool marks[CLUSTER_SLOTS];
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        cluster_mark_slots(table->peers[i].slots, marks);
    free(cluster_map(table));
}

static size_t first_look(const struct fuzz *fuzz)
{
    if (fuzz->member + (size_t)fuzz->options.sentinels >= fuzz->options.count)
        return SENTINEL_LOOKS;
    return 0;
}

/* The next question of this member, or the first one of the next. */
static void take(struct fuzz *fuzz, const struct resp_reply *reply)
{
    struct member *member = &fuzz->members[fuzz->member];
    bool is_answer = fuzz->rules->read(&fuzz->options, &member->seen, fuzz->look, reply);
    fuzz->look++;
    if (is_answer && fuzz->look < MOST_LOOKS && fuzz->rules->looks[fuzz->look])
        return;
    member->seen.is_known = is_answer;
    check_slots(member->seen.table);
    fuzz->member++;
    fuzz->look = first_look(fuzz);
}

static void read_replies(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
    const struct resp_limits limits = {.depth = 8, .bulk = 1 << 16, .elements = 1 << 12, .total = 1 << 17};
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;
    resp_reader_feed(reader, data, size);
    while (fuzz->member < fuzz->options.count && resp_reader_next(reader, &reply) == 1) {
        take(fuzz, reply);
        resp_reply_free(reply);
    }
    resp_reader_free(reader);
}

static void judge(struct fuzz *fuzz, int primary)
{
    struct standing standing = {.options = &fuzz->options, .members = fuzz->members, .primary = primary};
    struct judgement judgement = {.primary = NOBODY};
    standing.rounds_alone = ROUNDS_ALONE;
    fuzz->rules->judge(&standing, &judgement);
    if (judgement.primary < NOBODY || judgement.primary >= (int)fuzz->options.count ||
        (judgement.is_formed && judgement.trouble))
        abort();
    for (size_t i = 0; i < judgement.order_count; i++)
        if (judgement.orders[i].to >= fuzz->options.count || !judgement.orders[i].words.count)
            abort();
    judgement_clear(&judgement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[MEMBERS] = {"c-1", "c-2", "c-3", "sentinel-1", "sentinel-2"};
    struct fuzz fuzz = {.options = {.kind = MODEL_TOPOLOGY_REPLICATION,
                                    .shards = 1,
                                    .count = SERVERS,
                                    .primary_name = "c",
                                    .quorum = 2}};
    if (!size)
        return 0;
    if (data[0] & 1)
        fuzz.options.kind = MODEL_TOPOLOGY_CLUSTER;
    if (data[0] & 2)
        fuzz.options.shards = SERVERS;
    fuzz.options.keeps_data = data[0] & 4;
    if (data[0] & 8) {
        fuzz.options.kind = MODEL_TOPOLOGY_SENTINEL;
        fuzz.options.sentinels = SENTINELS;
        fuzz.options.count = MEMBERS;
    }
    fuzz.rules = rules_of(fuzz.options.kind);
    for (int i = 0; i < MEMBERS; i++)
        fuzz.members[i] = (struct member){
            .name = names[i], .host = "10.0.0.1", .port = 7001 + i, .bus_port = 9001 + i, .is_here = true};

    read_replies(&fuzz, data + 1, size - 1);
    for (int primary = NOBODY; primary < (int)fuzz.options.count; primary++)
        judge(&fuzz, primary);
    for (int i = 0; i < MEMBERS; i++)
        seen_clear(&fuzz.members[i].seen);
    return 0;
}
