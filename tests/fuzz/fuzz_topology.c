/* room: topology */
/* Any replies as what the members of a topology say of themselves: a stream of RESP, dealt out to three
 * members and to the questions of the rules. The first byte chooses the rules. No crash, no leak; a judgement
 * names members that are there, its orders are commands, and what is formed has no trouble. */
#include "topology/cluster.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMBERS = 3 };

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

/* The next question of this member, or the first one of the next. */
static void take(struct fuzz *fuzz, const struct resp_reply *reply)
{
    struct member *member = &fuzz->members[fuzz->member];
    bool is_answer = fuzz->rules->read(&member->seen, fuzz->look, reply);
    fuzz->look++;
    if (is_answer && fuzz->rules->looks[fuzz->look])
        return;
    member->seen.is_known = is_answer;
    check_slots(member->seen.table);
    fuzz->look = 0;
    fuzz->member++;
}

static void read_replies(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
    const struct resp_limits limits = {.depth = 8, .bulk = 1 << 16, .elements = 1 << 12, .total = 1 << 17};
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;
    resp_reader_feed(reader, data, size);
    while (fuzz->member < MEMBERS && resp_reader_next(reader, &reply) == 1) {
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
    if (judgement.primary < NOBODY || judgement.primary >= MEMBERS ||
        (judgement.is_formed && judgement.trouble))
        abort();
    for (size_t i = 0; i < judgement.order_count; i++)
        if (judgement.orders[i].to >= MEMBERS || !judgement.orders[i].words.count)
            abort();
    judgement_clear(&judgement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[MEMBERS] = {"c-1", "c-2", "c-3"};
    struct fuzz fuzz = {.options = {.shards = 1, .count = MEMBERS}};
    if (!size)
        return 0;
    if (data[0] & 1)
        fuzz.options.kind = MODEL_TOPOLOGY_CLUSTER;
    if (data[0] & 2)
        fuzz.options.shards = MEMBERS;
    fuzz.options.keeps_data = data[0] & 4;
    fuzz.rules = rules_of(fuzz.options.kind);
    for (int i = 0; i < MEMBERS; i++)
        fuzz.members[i] = (struct member){
            .name = names[i], .host = "10.0.0.1", .port = 7001 + i, .bus_port = 9001 + i, .is_here = true};

    read_replies(&fuzz, data + 1, size - 1);
    for (int primary = NOBODY; primary < MEMBERS; primary++)
        judge(&fuzz, primary);
    for (int i = 0; i < MEMBERS; i++)
        seen_clear(&fuzz.members[i].seen);
    return 0;
}
