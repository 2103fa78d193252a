/* Each command, and each request that it makes of a supervisor: which dies, ends the connection, says no,
 * answers late, answers nonsense or never answers. The command ends by itself, or by the user's Ctrl-C where
 * nobody answers; it never takes what it was not told for success, and says why. */
#include "stage.h"

#include "base/mem.h"
#include "control/requests.h"

#include <string.h>
#include <unistd.h>

static const char manifest[] = "name: shop\n"
                               "engine: native\n"
                               "resources:\n"
                               "  api: {type: process, command: [sleep, '1000']}\n"
                               "  job: {type: process, command: [sh, -c, exit 3], task: true}\n";

static const char no_data[] = ",\"data\":{\"removed\":[],\"kept\":[]}";
static const char usages[] = ",\"data\":{\"timeMs\":1,\"clockMs\":1,\"resources\":[]}";
static const char edges[] = ",\"data\":{\"edges\":[]}";
static const char exec_info[] =
    ",\"data\":{\"argv\":[\"sh\",\"-c\",\"exit 3\"],\"environment\":[\"GIVEN=yes\"]}";

/* A command as it is when all goes well: its code, and the verbs that it asks for in this order. */
struct row {
    const char *words[8];
    int code;
    const char *asks[6];
    bool has_own_codes; /* 125 is a failure of ours */
    bool starts_one;    /* a supervisor, where none is: not on this stage */
};

static const struct row rows[] = {
    {{"ps"}, 0, {"hello", "view"}, false, false},
    {{"ps", "-o", "json"}, 0, {"hello", "view"}, false, false},
    {{"env"}, 0, {"hello", "env"}, false, false},
    {{"env", "-o", "json"}, 0, {"hello", "env"}, false, false},
    {{"port", "api", "admin"}, 0, {"hello", "view"}, false, false},
    {{"wait", "api"}, 0, {"hello", "view", "wait"}, false, false},
    {{"wait", "api", "-o", "json"}, 0, {"hello", "view", "wait", "view"}, false, false},
    {{"start", "hand"}, 0, {"hello", "view", "start"}, false, false},
    {{"stop", "api"}, 0, {"hello", "view", "stop"}, false, false},
    {{"restart", "api"}, 0, {"hello", "view", "restart"}, false, false},
    {{"kill", "-s", "HUP", "api"}, 0, {"hello", "view", "kill"}, false, false},
    {{"exec", "api", "sh", "-c", "echo $GIVEN; exit 7"}, 7, {"hello", "exec-info"}, true, false},
    {{"down", "--dry-run"}, 0, {"hello", "view"}, false, false},
    {{"down", "-v"}, 0, {"hello", "down"}, false, false},
    {{"up", "-d"}, 0, {"hello", "up", "bye"}, false, true},
    {{"up", "--dry-run"}, 0, {"hello", "up"}, false, true},
    {{"top", "-o", "json"}, 0, {"hello", "view", "usage"}, false, false},
    {{"graph", "--running"}, 0, {"hello", "edges"}, false, false},
    {{"run", "--", "sh", "-c", "exit 5"}, 5, {"hello", "up", "env", "watch"}, true, true},
    {{"run", "job"}, 3, {"hello", "up", "exec-info", "watch"}, true, true},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Who asks for what no row asks for, and where that is tested. */
static const char *const elsewhere[ASK_COUNT] = {
    /* not all */
    [ASK_LOGS] = "the dashboard: tests/unit/dashboard",
    [ASK_DETAILS] = "the dashboard: tests/unit/dashboard",
    [ASK_HISTORY] =
        "up --timings, run --trace, after the fact: without an answer they tell what the view has",
    [ASK_SECRETS] = "bundle, which runs the program again: tests/e2e/bundle.bats",
    [ASK_CUT] = "redis --partition, of a topology: tests/e2e/topologies.bats",
    [ASK_HEAL] = "redis --heal, of a topology: tests/e2e/topologies.bats",
    [ASK_HURRY] = "a second Ctrl-C, whose answer nobody waits for: hurried()",
};

static int open_stage(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    static const char *const about_all[] = {"up", "wait", "start", "stop", "restart", "kill"};
    for (size_t i = 0; i < sizeof about_all / sizeof *about_all; i++)
        stage_answer(stage, about_all[i], NULL, stage_view);
    stage_answer(stage, "exec-info", NULL, exec_info);
    stage_answer(stage, "down", NULL, no_data);
    stage_answer(stage, "usage", NULL, usages);
    stage_answer(stage, "edges", NULL, edges);
    return 0;
}

static int count_asks(const struct row *row)
{
    int count = 0;
    while (row->asks[count])
        count++;
    return count;
}

/* "run job, request 2 (up): …" with what it printed. */
static void complain(const struct stage *stage, const struct row *row, int code, const char *what)
{
    const char *verb = "none";
    if (stage->deed_at)
        verb = row->asks[stage->deed_at - 1];
    fail_msg("%s %s, request %d (%s), deed %d: ended with %d: %s\n%s\n%s", row->words[0],
             row->words[1] ? row->words[1] : "", stage->deed_at, verb, stage->deed, code, what,
             strbuf_text(&stage->out), strbuf_text(&stage->err));
}

typedef void check_fn(struct stage *stage, const struct row *row);

/* The same of each request of each command. */
static void each_request(struct stage *stage, enum stage_deed deed, check_fn *check)
{
    stage->deed = deed;
    for (int i = 0; i < ROWS; i++) {
        int count = count_asks(&rows[i]);
        for (stage->deed_at = 1; stage->deed_at <= count; stage->deed_at++)
            check(stage, &rows[i]);
    }
    stage->deed = DEED_NONE;
    stage->deed_at = 0;
}

static bool is_asked(const struct stage *stage, const struct row *row, const char *verb)
{
    return strcmp(row->asks[stage->deed_at - 1], verb) == 0;
}

/* ---- as it should be ---- */

static void asks_in_this_order(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        int code = stage_run(stage, row->words);
        const char *at = strbuf_text(&stage->asked);
        for (int n = 0; row->asks[n] && at; n++) {
            cleanup_free char *verb = xasprintf("\"verb\":\"%s\"", row->asks[n]);
            at = strstr(at, verb);
            if (!at)
                complain(stage, row, code, row->asks[n]);
        }
        if (code != row->code)
            complain(stage, row, code, "another code");
        if (stage_asked(stage) < count_asks(row))
            complain(stage, row, code, "asks less");
    }
}

/* ---- late ---- */

static void an_answer_that_is_late_counts(struct stage *stage, const struct row *row)
{
    int code = stage_run(stage, row->words);
    if (code != row->code)
        complain(stage, row, code, "another code than in time");
}

static void late(void **state)
{
    each_request(*state, DEED_LATE, an_answer_that_is_late_counts);
}

/* ---- no answer that could be taken for success ---- */

/* At `hello` the way is tried again. Nothing runs, which is an answer of `ps`; and the farewell of `up -d` is
 * not waited for. */
static bool may_succeed(const struct stage *stage, const struct row *row)
{
    bool is_question = strcmp(row->words[0], "ps") == 0 || strcmp(row->words[0], "down") == 0;
    if (is_asked(stage, row, "hello"))
        return is_question || stage->deed == DEED_NONSENSE;
    return is_asked(stage, row, "bye");
}

/* The end of `watch` races with that of the command (test_silence.c). Whoever takes down, or gives up, waits
 * a minute for the end of one that lives: not here. */
static bool takes_long(const struct stage *stage, const struct row *row)
{
    bool lives = stage->deed == DEED_NONSENSE || stage->deed == DEED_ENDS;
    bool takes_down = row->starts_one || is_asked(stage, row, "down");
    return lives && takes_down && !is_asked(stage, row, "hello");
}

static void must_fail(struct stage *stage, const struct row *row)
{
    bool is_elsewhere = is_asked(stage, row, "watch") || (row->starts_one && is_asked(stage, row, "hello"));
    if (is_elsewhere || takes_long(stage, row))
        return;
    int code = stage_run(stage, row->words);
    if (may_succeed(stage, row))
        return;
    if (code == row->code)
        complain(stage, row, code, "as if all was well");
    if (row->has_own_codes && code != 125)
        complain(stage, row, code, "a code that could be the command's");
    if (!stage->err.length && !strstr(strbuf_text(&stage->out), "\"error\""))
        complain(stage, row, code, "without a word");
}

static void death(void **state)
{
    each_request(*state, DEED_DIES, must_fail);
}

static void nonsense(void **state)
{
    each_request(*state, DEED_NONSENSE, must_fail);
}

/* What was said is repeated, and the code is that of a failure. */
static void a_refusal_is_told(struct stage *stage, const struct row *row)
{
    if (is_asked(stage, row, "bye") || is_asked(stage, row, "watch"))
        return;
    int code = stage_run(stage, row->words);
    int wanted = 1;
    if (row->has_own_codes)
        wanted = 125;
    if (code != wanted)
        complain(stage, row, code, "another code than a failure's");
    bool is_told = strstr(strbuf_text(&stage->err), "error: no") ||
                   strstr(strbuf_text(&stage->out), "\"message\":\"no\"");
    if (!is_told)
        complain(stage, row, code, "not what the supervisor said");
}

static void refusal(void **state)
{
    each_request(*state, DEED_REFUSES, a_refusal_is_told);
}

/* ---- a connection that breaks, of a supervisor that lives ---- */

/* At `hello` the way is tried again; later nobody knows what became of the request. */
static void is_tried_again_or_told(struct stage *stage, const struct row *row)
{
    if (is_asked(stage, row, "bye") || takes_long(stage, row))
        return;
    int code = stage_run(stage, row->words);
    bool is_hello = is_asked(stage, row, "hello");
    if (is_hello && code != row->code)
        complain(stage, row, code, "not tried again");
    if (!is_hello && code == row->code)
        complain(stage, row, code, "as if it had been answered");
}

static void a_broken_connection(void **state)
{
    each_request(*state, DEED_ENDS, is_tried_again_or_told);
}

/* ---- a new request ---- */

static bool has_row(const char *verb)
{
    for (int i = 0; i < ROWS; i++)
        for (int n = 0; n < count_asks(&rows[i]); n++)
            if (strcmp(rows[i].asks[n], verb) == 0)
                return true;
    return false;
}

static void every_verb_has_a_row(void **state)
{
    (void)state;
    for (int ask = 0; ask < ASK_COUNT; ask++) {
        const char *verb = ask_name((enum ask)ask);
        if (!has_row(verb) && !elsewhere[ask])
            fail_msg("%s has no row, and nobody says where it is tested", verb);
        if (has_row(verb) && elsewhere[ask])
            fail_msg("%s has a row, and is tested elsewhere", verb);
    }
}

/* ---- a down that is hurried ---- */

/* The down is not answered, and what is done to the hurry is nothing to it: the user's Ctrl-C ends the
 * command. */
static void hurried(void **state)
{
    static const enum stage_deed deeds[] = {DEED_NONE,    DEED_DIES,     DEED_ENDS,
                                            DEED_REFUSES, DEED_NONSENSE, DEED_STALLS};
    struct stage *stage = *state;
    stage_answer(stage, "down", NULL, stage_silence);
    stage->interrupt_at = 2;
    stage->deed_at = 3;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        stage->deed = deeds[i];
        int code = stage_interrupt(stage, WORDS("down"));
        if (code == 0)
            fail_msg("deed %d: as if it was down\n%s", deeds[i], strbuf_text(&stage->err));
        stage_was_asked(stage, "\"verb\":\"hurry\"");
    }
}

/* ---- no answer at all ---- */

static void the_user_ends_it(struct stage *stage, const struct row *row)
{
    bool is_nobody_waiting = is_asked(stage, row, "watch") || is_asked(stage, row, "bye");
    if (is_nobody_waiting)
        return;
    int code = stage_interrupt(stage, row->words);
    if (code == row->code || code == 0)
        complain(stage, row, code, "as if it had been answered");
}

static void silence(void **state)
{
    each_request(*state, DEED_STALLS, the_user_ends_it);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_in_this_order),
        TEST(late),
        TEST(death),
        TEST(nonsense),
        TEST(refusal),
        TEST(a_broken_connection),
        TEST(silence),
        TEST(every_verb_has_a_row),
        TEST(hurried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
