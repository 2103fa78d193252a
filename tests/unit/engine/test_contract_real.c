/* The contract on the engine of this machine; skipped where there is none, or not the image. */
#include "await.h"
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

extern char **environ;

struct world {
    struct loop loop;
    struct engine *engine;
    bool closed;
};

static void on_closed(void *data)
{
    *(bool *)data = true;
}

static bool has_engine(struct world *world)
{
    struct engine_address address = {0};
    cleanup_error struct error err = {0};
    world->engine = engine_resolve(environ, NULL, NULL, &address, &err) == 0
                        ? engine_open(&world->loop, &address, environ, &err)
                        : NULL;
    engine_address_free(&address);
    if (!world->engine) {
        print_message("skipped: %s\n", err.text);
        return false;
    }
    struct outcome outcome = {0};
    engine_image_inspect(world->engine, contract_image(), on_outcome, &outcome);
    await_flag(&world->loop, &outcome.done, 20000);
    bool ok = !error_is_set(&outcome.err);
    if (!ok)
        print_message("skipped: %s\n", outcome.err.text);
    outcome_reset(&outcome);
    return ok;
}

static void test_contract(void **state)
{
    (void)state;
    struct world world = {0};
    assert_int_equal(loop_init(&world.loop, NULL), 0);
    bool usable = has_engine(&world);
    if (usable)
        contract_run(&world.loop, world.engine);
    if (world.engine) {
        engine_close(world.engine, on_closed, &world.closed);
        await_flag(&world.loop, &world.closed, 10000);
    }
    assert_int_equal(loop_fini(&world.loop), 0);
    if (!usable)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contract)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
