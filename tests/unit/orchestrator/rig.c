/* See rig.h. */
#include "rig.h"

#include "base/file.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ANSWER_LIMIT_MS = 3600 * 1000 };

static void on_transition(const struct transition *transition, void *data)
{
    struct rig *rig = data;
    strlist_addf(&rig->transitions, "%s %s", transition->node, view_state_name(transition->state));
    if (getenv("RIG_TRACE"))
        printf("%6lld %s %s [%s] %s%s%s\n", (long long)loop_now_ms(&rig->loop), transition->node,
               view_state_name(transition->state), transition->goal, transition->detail,
               transition->cause ? " ERROR " : "", transition->cause ? transition->cause->text : "");
}

static void on_change(void *data)
{
    ((struct rig *)data)->changes++;
}

static void on_idle(void *data)
{
    ((struct rig *)data)->idles++;
}

static void on_reached(void *data)
{
    ((struct rig *)data)->reached++;
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    setvbuf(stdout, NULL, _IOLBF, 0);
    assert_int_equal(loop_init_virtual(&rig->loop, NULL), 0);
    fake_init(&rig->fake, &rig->loop);
    fake_hooks_world(&rig->fake);
    strlist_add(&rig->fake.images, RIG_IMAGE);
    snprintf(rig->folder, sizeof rig->folder, "/tmp/rig-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
}

void rig_open(struct rig *rig)
{
    char *const environment[] = {NULL};
    char session[32];
    snprintf(session, sizeof session, "session%d", ++rig->sessions);
    rig->engine = engine_open_over(&rig->loop, fake_transport(&rig->fake), environment);
    rig->state = state_open(rig->folder, true, NULL);
    assert_non_null(rig->state);
    const struct orchestrator_services services = {
        .loop = &rig->loop,
        .engine = rig->engine,
        .state = rig->state,
        .left = rig->left,
        .session = session,
        .processors = 2,
        .ready_timeout_ms = 120000,
        .on_transition = on_transition,
        .on_reached = on_reached,
        .on_change = on_change,
        .on_idle = on_idle,
        .data = rig,
        .hooks = &fake_hooks,
    };
    rig->orchestrator = orchestrator_new(&services);
}

void rig_kill(struct rig *rig)
{
    bool closed = false, engine_closed = false;
    rig->fake.dead = true;
    orchestrator_close(rig->orchestrator, outcome_flag, &closed);
    while (!closed)
        assert_true(loop_run_once(&rig->loop));
    engine_close(rig->engine, outcome_flag, &engine_closed);
    while (!engine_closed)
        assert_true(loop_run_once(&rig->loop));
    state_close(rig->state);
    rig->orchestrator = NULL;
    outcome_clear(&rig->outcome);
    rig->fake.dead = false;
    rig->fake.kill_at = 0;
    assert_int_equal(rig->fake.live_processes, 0);
}

void rig_lose_state(struct rig *rig)
{
    rig_kill(rig);
    file_remove_tree(rig->folder, NULL);
    assert_int_equal(file_mkdirs(rig->folder, 0700, NULL), 0);
    rig_open(rig);
}

void rig_fini(struct rig *rig)
{
    if (rig->orchestrator)
        rig_kill(rig);
    outcome_clear(&rig->outcome);
    strlist_free(&rig->transitions);
    file_remove_tree(rig->folder, NULL);
    fake_fini(&rig->fake);
    assert_int_equal(loop_fini(&rig->loop), 0);
}

bool rig_await(struct rig *rig, const bool *flag, int64_t limit_ms)
{
    int64_t limit = loop_now_ms(&rig->loop) + limit_ms;
    while (!*flag && !rig->fake.dead && loop_now_ms(&rig->loop) < limit) {
        if (!loop_run_once(&rig->loop))
            break;
    }
    return *flag;
}

void rig_pass(struct rig *rig, int64_t ms)
{
    bool over = false;
    struct timer timer;
    timer_init(&rig->loop, &timer, outcome_flag, &over);
    timer_start(&timer, ms);
    while (!over)
        loop_run_once(&rig->loop);
}

/* There is room for one answer. */
static void forget_last(struct rig *rig)
{
    orchestrator_forget(rig->orchestrator, rig->request);
    outcome_clear(&rig->outcome);
}

void rig_apply(struct rig *rig, struct orchestrator_apply *apply)
{
    forget_last(rig);
    rig->request = orchestrator_apply(rig->orchestrator, apply, outcome_note, &rig->outcome);
    assert_false(rig->outcome.done);
}

void rig_up(struct rig *rig, struct plan *plan)
{
    struct orchestrator_apply apply = {.plan = plan, .replace = true};
    rig_apply(rig, &apply);
}

void rig_down(struct rig *rig, bool everything)
{
    const struct orchestrator_down down = {.persistent = everything, .volumes = everything};
    forget_last(rig);
    rig->request = orchestrator_down(rig->orchestrator, &down, outcome_note, &rig->outcome);
    assert_false(rig->outcome.done);
}

void rig_control(struct rig *rig, enum orchestrator_verb verb, const char *resource)
{
    cleanup_strlist struct strlist names = {0};
    strlist_add(&names, resource);
    const struct orchestrator_control control = {.verb = verb, .resources = &names};
    forget_last(rig);
    rig->request = orchestrator_control(rig->orchestrator, &control, outcome_note, &rig->outcome);
    assert_false(rig->outcome.done);
}

enum error_code rig_answer(struct rig *rig)
{
    if (!rig_await(rig, &rig->outcome.done, ANSWER_LIMIT_MS))
        fail_msg("no answer to a request");
    return rig->outcome.error.code;
}

void rig_ok(struct rig *rig)
{
    if (rig_answer(rig) != ERROR_NONE)
        fail_msg("%s", rig->outcome.error.text);
}

static const char *field(struct rig *rig, const char *resource, const char *name)
{
    static char text[256];
    cleanup_json cJSON *view = orchestrator_view(rig->orchestrator);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(view, "resources"))
    {
        if (strcmp(json_string(entry, "name", ""), resource) != 0)
            continue;
        snprintf(text, sizeof text, "%s", json_string(entry, name, ""));
        return text;
    }
    return "absent";
}

const char *rig_state(struct rig *rig, const char *resource)
{
    return field(rig, resource, "state");
}

const char *rig_decision(struct rig *rig, const char *resource)
{
    return field(rig, resource, "decision");
}

int rig_when(const struct rig *rig, const char *transition)
{
    for (size_t i = 0; i < rig->transitions.count; i++) {
        if (!strcmp(rig->transitions.items[i], transition))
            return (int)i;
    }
    return -1;
}

bool rig_saw(const struct rig *rig, const char *transition)
{
    return rig_when(rig, transition) >= 0;
}

void rig_forget(struct rig *rig)
{
    strlist_free(&rig->transitions);
    fake_forget(&rig->fake);
}

bool rig_is_empty(const struct rig *rig)
{
    return !rig->fake.containers && !rig->fake.networks && !rig->fake.volumes && !rig->fake.live_processes;
}

struct rig *rig_fresh(void)
{
    static struct rig rig;
    rig_init(&rig);
    rig_open(&rig);
    return &rig;
}

void rig_end(struct rig *rig)
{
    rig_down(rig, true);
    rig_ok(rig);
    assert_true(rig_is_empty(rig));
    assert_null(rig->fake.watches);
    rig_fini(rig);
}
