/* See world.h. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static void on_closed(void *data)
{
    *(bool *)data = true;
}

bool world_open_real(struct world *world, const char *image)
{
    *world = (struct world){0};
    struct engine_address address = {0};
    struct outcome outcome = {0};
    cleanup_error struct error err = {0};
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    if (engine_resolve(environ, NULL, NULL, &address, &err) == 0)
        world->engine = engine_open(&world->loop, &address, environ, &err);
    engine_address_free(&address);
    if (world->engine) {
        engine_image_inspect(world->engine, image, on_outcome, &outcome);
        await_flag(&world->loop, &outcome.done, 20000);
        error_move(&err, &outcome.err);
        outcome_reset(&outcome);
    }
    if (error_is_set(&err))
        print_message("no usable engine: %s\n", err.text);
    return !error_is_set(&err);
}

void world_open_over(struct world *world, struct http_transport *(*make)(struct loop *),
                     char *const *environment)
{
    *world = (struct world){0};
    assert_int_equal(loop_init_virtual(&world->loop, NULL), 0);
    world->engine = engine_open_over(&world->loop, make(&world->loop), environment);
}

void world_close(struct world *world)
{
    if (world->engine) {
        engine_close(world->engine, on_closed, &world->closed);
        await_flag(&world->loop, &world->closed, 10000);
    }
    assert_int_equal(loop_fini(&world->loop), 0);
}
