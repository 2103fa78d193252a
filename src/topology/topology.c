/* The rounds: look at all members, judge, tell, look again. See topology.h; what is wanted is in the rules of
 * each kind.
 *
 * A round asks every member that runs at once and ends when all have answered, have gone, or have had
 * LOOK_LIMIT_MS: then who is silent counts as away, and its connection is given up. Orders are sent right
 * after, over the same connections; what they did is seen in the next round, which comes soon while something
 * is missing, and every second else. */
#include "topology/internal.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_LIMIT_MS = 2000, FIRST_PAUSE_MS = 10, LONGEST_PAUSE_MS = 100, FORMED_PAUSE_MS = 1000 };
/* Rounds with the same trouble: servers take some for what they do by themselves. */
enum { ROUNDS_HELD_UP = 15 };

struct topology_place {
    struct topology *topology;
    size_t index;
    char *name, *host, *username, *password, *ca_file, *tls_name;
    int port;
    bool tls;
    struct redis_conn *conn;
    size_t awaited, next; /* answers of this round: how many are missing, and which comes next */
    char *refusal;        /* of the last order, in the server's words */
    char *role;
};

struct topology {
    struct loop *loop;
    struct topology_options options;
    const struct rules *rules;
    struct topology_place *places;
    struct member *members; /* the rules' view of the places */
    struct timer timer;     /* of the next round; or the limit of this one */
    struct turn changed;
    bool is_looking, is_formed;
    int64_t pause_ms;
    int primary, rounds_alone;
    char *trouble;
    bool is_final; /* the trouble */
    int rounds_same;
};

/* ---- what is known ---- */

bool topology_is_formed(const struct topology *topology)
{
    return topology->is_formed;
}

const char *topology_trouble(const struct topology *topology)
{
    return topology->trouble;
}

bool topology_is_held_up(const struct topology *topology)
{
    return topology->trouble && topology->rounds_same >= ROUNDS_HELD_UP;
}

bool topology_is_hopeless(const struct topology *topology)
{
    return topology->is_final && topology_is_held_up(topology);
}

const char *topology_role(const struct topology *topology, size_t member)
{
    return topology->places[member].role;
}

/* Takes over text. */
static bool replace(char **slot, char *text)
{
    bool is_same = str_eq(*slot, text);
    free(*slot);
    *slot = text;
    return !is_same;
}

static char *role_text(const struct standing *standing, size_t index)
{
    const struct topology_seen *seen = &standing->members[index].seen;
    if (seen->role == ROLE_PRIMARY)
        return xstrdup("primary");
    if (seen->role == ROLE_SENTINEL)
        return xstrdup("sentinel");
    if (seen->role != ROLE_REPLICA)
        return NULL;
    int of = standing_find(standing, seen->of_host, seen->of_port);
    if (of == NOBODY)
        return xasprintf("replica of %s:%d", seen->of_host, seen->of_port);
    return xasprintf("replica of %s", standing->members[of].name);
}

/* ---- rounds ---- */

static void look(void *data);
static void judge(struct topology *topology);

static void drop_conn(struct topology_place *place)
{
    redis_conn_free(take_ptr(&place->conn));
    place->awaited = 0;
}

static bool is_awaited(const struct topology *topology)
{
    for (size_t i = 0; i < topology->options.count; i++)
        if (topology->places[i].awaited)
            return true;
    return false;
}

static void settle(struct topology *topology)
{
    if (topology->is_looking && !is_awaited(topology))
        judge(topology);
}

static void on_late(void *data)
{
    struct topology *topology = data;
    for (size_t i = 0; i < topology->options.count; i++)
        if (topology->places[i].awaited)
            drop_conn(&topology->places[i]);
    settle(topology);
}

static void on_closed(const struct error *err, bool final, void *data)
{
    struct topology_place *place = data;
    (void) final;
    replace(&place->refusal, xstrdup(err->text));
    drop_conn(place);
    settle(place->topology);
}

static void on_seen(const struct resp_reply *reply, void *data)
{
    struct topology_place *place = data;
    struct topology *topology = place->topology;
    struct topology_seen *seen = &topology->members[place->index].seen;
    if (!reply)
        return; /* on_closed follows */

    if (!topology->rules->read(&topology->options, seen, place->next++, reply))
        seen->is_known = false;
    if (reply->type == RESP_ERROR)
        replace(&place->refusal, xstrdup(reply->str));
    place->awaited--;
    settle(topology);
}

static void open_conn(struct topology_place *place)
{
    const struct redis_conn_options options = {
        .host = place->host,
        .port = place->port,
        .username = place->username,
        .password = place->password,
        .tls = place->tls,
        .ca_file = place->ca_file,
        .tls_name = place->tls_name,
        .on_closed = on_closed,
        .data = place,
    };
    place->conn = redis_conn_open(place->topology->loop, &options);
}

static size_t first_look(const struct topology_place *place)
{
    const struct topology_options *options = &place->topology->options;
    if (place->index + (size_t)options->sentinels >= options->count)
        return SENTINEL_LOOKS;
    return 0;
}

static void ask(struct topology_place *place)
{
    const struct rules *rules = place->topology->rules;
    struct topology_seen *seen = &place->topology->members[place->index].seen;
    cleanup_error struct error err = {0};
    if (!place->conn)
        open_conn(place);
    place->next = first_look(place);
    place->awaited = 0;
    seen->is_known = true;

    for (size_t i = place->next; i < MOST_LOOKS && rules->looks[i]; i++) {
        if (redis_conn_words(place->conn, rules->looks[i], on_seen, place, &err) < 0) {
            seen->is_known = false;
            drop_conn(place);
            return;
        }
        place->awaited++;
    }
}

static void look(void *data)
{
    struct topology *topology = data;
    topology->is_looking = true;
    for (size_t i = 0; i < topology->options.count; i++) {
        seen_clear(&topology->members[i].seen);
        if (topology->members[i].is_here)
            ask(&topology->places[i]);
    }
    topology->timer.run = on_late;
    timer_start(&topology->timer, is_awaited(topology) ? LOOK_LIMIT_MS : 0);
}

/* ---- orders ---- */

static void on_order(const struct resp_reply *reply, void *data)
{
    struct topology_place *place = data;
    char *refusal = NULL;
    if (reply && reply->type == RESP_ERROR)
        refusal = xstrdup(reply->str);
    replace(&place->refusal, refusal);
}

static const char *word_of(const struct topology_place *place, const char *word)
{
    if (strcmp(word, ORDER_PASSWORD) != 0)
        return word;
    return text_or_empty(place->password);
}

static void send_order(struct topology *topology, const struct order *order)
{
    struct topology_place *place = &topology->places[order->to];
    cleanup_error struct error ignored = {0};
    const char *words[16] = {0};
    for (size_t i = 0; i < order->words.count && i + 1 < sizeof words / sizeof *words; i++)
        words[i] = word_of(place, order->words.items[i]);
    if (place->conn) /* what is not sent is not seen to be done: it is said again */
        redis_conn_words(place->conn, words, on_order, place, &ignored);
}

/* What the server answered to it, too. */
static char *whole_trouble(const struct topology *topology, const struct judgement *judgement)
{
    for (size_t i = 0; judgement->trouble && i < topology->options.count; i++) {
        const struct topology_place *place = &topology->places[i];
        if (topology->members[i].is_here && place->refusal)
            return xasprintf("%s (%s: %s)", judgement->trouble, place->name, place->refusal);
    }
    return xstrdup_null(judgement->trouble);
}

static int64_t next_pause(struct topology *topology)
{
    if (topology->is_formed || topology_is_hopeless(topology)) {
        topology->pause_ms = FIRST_PAUSE_MS;
        return FORMED_PAUSE_MS;
    }
    int64_t pause = topology->pause_ms;
    topology->pause_ms = pause * 3 / 2;
    if (topology->pause_ms > LONGEST_PAUSE_MS)
        topology->pause_ms = LONGEST_PAUSE_MS;
    return pause;
}

/* True: it has just become one that holds up. */
static bool note_trouble(struct topology *topology, const struct judgement *judgement)
{
    topology->is_final = judgement->is_final;
    if (replace(&topology->trouble, whole_trouble(topology, judgement)))
        topology->rounds_same = 0;
    if (topology_is_held_up(topology))
        return false;
    topology->rounds_same++;
    return topology_is_held_up(topology);
}

static void note(struct topology *topology, const struct standing *standing,
                 const struct judgement *judgement)
{
    bool is_news = judgement->is_formed != topology->is_formed;
    topology->is_formed = judgement->is_formed;
    topology->primary = judgement->primary;
    topology->rounds_alone = judgement->is_alone ? topology->rounds_alone + 1 : 0;
    is_news |= note_trouble(topology, judgement);
    for (size_t i = 0; i < topology->options.count; i++)
        is_news |= replace(&topology->places[i].role, role_text(standing, i));
    if (is_news)
        loop_post(topology->loop, &topology->changed);
}

static void judge(struct topology *topology)
{
    const struct standing standing = {&topology->options, topology->members, topology->primary,
                                      topology->rounds_alone};
    struct judgement judgement = {.primary = NOBODY};
    topology->is_looking = false;
    for (size_t i = 0; i < topology->options.count; i++)
        if (!topology->places[i].conn)
            seen_clear(&topology->members[i].seen);

    topology->rules->judge(&standing, &judgement);
    note(topology, &standing, &judgement);
    for (size_t i = 0; i < judgement.order_count; i++)
        send_order(topology, &judgement.orders[i]);
    topology->timer.run = look;
    timer_start(&topology->timer, next_pause(topology));
    judgement_clear(&judgement);
}

static void look_soon(struct topology *topology)
{
    topology->pause_ms = FIRST_PAUSE_MS;
    if (topology->is_looking)
        return;
    topology->timer.run = look;
    timer_start(&topology->timer, 0);
}

/* ---- members ---- */

static void forget(struct topology_place *place)
{
    drop_conn(place);
    if (place->password)
        mem_wipe(place->password, strlen(place->password));
    free(place->name);
    free(place->host);
    free(place->username);
    free(place->password);
    free(place->ca_file);
    free(place->tls_name);
    free(place->refusal);
    free(place->role);
    *place = (struct topology_place){.topology = place->topology, .index = place->index};
}

void topology_join(struct topology *topology, size_t index, const char *name,
                   const struct redis_conn_options *where, int bus_port)
{
    struct topology_place *place = &topology->places[index];
    forget(place);
    place->name = xstrdup(name);
    place->host = xstrdup(where->host);
    place->port = where->port;
    place->username = xstrdup_null(where->username);
    place->password = xstrdup_null(where->password);
    place->tls = where->tls;
    place->ca_file = xstrdup_null(where->ca_file);
    place->tls_name = xstrdup_null(where->tls_name);

    topology->members[index].name = place->name;
    topology->members[index].host = place->host;
    topology->members[index].port = place->port;
    topology->members[index].bus_port = bus_port;
    topology->members[index].is_here = true;
    topology->is_formed = false;
    look_soon(topology);
}

void topology_leave(struct topology *topology, size_t index)
{
    struct member *member = &topology->members[index];
    struct topology_place *place = &topology->places[index];
    if (!member->is_here)
        return;
    drop_conn(place); /* what it was called and where it was is kept: others may still speak of it */
    replace(&place->refusal, NULL);
    replace(&place->role, NULL);
    seen_clear(&member->seen);
    member->is_here = false;
    topology->is_formed = false;
    if (topology->primary == (int)index)
        topology->primary = NOBODY;
    settle(topology);
    look_soon(topology);
}

static void tell(void *data)
{
    struct topology *topology = data;
    topology->options.on_changed(topology->options.data);
}

struct topology *topology_new(struct loop *loop, const struct topology_options *options)
{
    struct topology *topology = xcalloc(1, sizeof *topology);
    topology->loop = loop;
    topology->options = *options;
    topology->options.primary_name = xstrdup_null(options->primary_name);
    topology->rules = rules_of(options->kind);
    topology->places = xcalloc(options->count, sizeof *topology->places);
    topology->members = xcalloc(options->count, sizeof *topology->members);
    topology->primary = NOBODY;
    topology->pause_ms = FIRST_PAUSE_MS;
    for (size_t i = 0; i < options->count; i++)
        topology->places[i] = (struct topology_place){.topology = topology, .index = i};
    timer_init(loop, &topology->timer, look, topology);
    turn_init(&topology->changed, tell, topology);
    return topology;
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    timer_stop(&topology->timer);
    loop_unpost(topology->loop, &topology->changed);
    for (size_t i = 0; i < topology->options.count; i++) {
        forget(&topology->places[i]);
        seen_clear(&topology->members[i].seen);
    }
    free(topology->trouble);
    free((char *)topology->options.primary_name);
    free(topology->places);
    free(topology->members);
    free(topology);
}
