/* The contract that room engine/ has with real engines, on the fake one: or the fake would drift. */
#include "fake.h"

#include "../engine/await.c"
#include "../engine/contract.c"

static void test_contract(void **state)
{
    (void)state;
    static struct fake fake;
    struct loop loop;
    char *const environment[] = {NULL};
    assert_int_equal(loop_init_virtual(&loop, NULL), 0);
    fake_init(&fake, &loop);
    strlist_add(&fake.images, contract_image());
    struct engine *engine = engine_open_over(&loop, fake_transport(&fake), environment);
    contract_run(&loop, engine);
    bool closed = false;
    engine_close(engine, on_limit, &closed);
    await_flag(&loop, &closed, 1000);
    fake_fini(&fake);
    assert_int_equal(loop_fini(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contract)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
