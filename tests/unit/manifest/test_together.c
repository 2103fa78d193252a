/* Mistakes that take two: ports, data, names and sidecars that belong to one already, circles, references to
 * what is not there or has not got what is asked for. Each is told at the second place, with the way to the
 * first. */
#include "fixture.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

struct clash {
    const char *text, *wanted, *hint;
};

static const struct clash clashes[] = {
    {"resources:\n"
     "  a: {type: redis, host_port: 6379}\n"
     "  b: {type: redis, host_port: 6379}\n",
     "3:31: error: port 6379 belongs to `a` already", "see line 2; without a port a free one is chosen"},
    {"resources:\n"
     "  a: {type: redis, host_port: 6379, bind_address: 0.0.0.0}\n"
     "  b: {type: redis, host_port: 6379, bind_address: 127.0.0.2}\n",
     "3:31: error: port 6379 belongs to `a` already", "see line 2; without a port a free one is chosen"},
    {"resources:\n"
     "  a: {type: redis, host_port: 8081}\n"
     "  b: {type: container, image: x, endpoints: {http: {target_port: 80, host_port: 8081}}}\n",
     "3:81: error: port 8081 belongs to `a` already", "see line 2; without a port a free one is chosen"},
    {"resources:\n"
     "  a: {type: redis, data_volume: same}\n"
     "  b: {type: redis, data_volume: same}\n",
     "3:33: error: `a` and `b` would write into the same data, `same`", NULL},
    {"resources:\n"
     "  a: {type: redis, data_volume: b-data}\n"
     "  b: {type: redis, data_volume: true}\n",
     "3:33: error: `a` and `b` would write into the same data, `b-data`", NULL},
    {"resources:\n"
     "  a: {type: process, command: [sleep], references: [b], endpoints: {e: {}}}\n"
     "  b: {type: process, command: [sleep], references: [a], endpoints: {e: {}}}\n",
     "3:53: error: these wait for each other: a -(references)-> b -(references)-> a",
     "one of the references must not wait: {resource: …, wait: false}"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], wait_for: [b]}\n"
     "  b: {type: process, command: [sleep], wait_for: [c]}\n"
     "  c: {type: process, command: [sleep], wait_for: [a]}\n",
     "4:51: error: these wait for each other: a -(wait_for)-> b -(wait_for)-> c -(wait_for)-> a",
     "one of them must not wait for the next"},
    {"resources:\n"
     "  a: {type: redis, commander: {host_port: 80}}\n"
     "  b: {type: redis, commander: {host_port: 81}}\n",
     "3:43: error: `commander` serves all servers: `host_port` is 81 for `b`, and 80 for `a`",
     "see line 2; say it once, or twice the same"},
    {"resources:\n"
     "  a: {type: redis, commander: {name: viewer}, insight: {name: viewer}}\n",
     "2:38: error: `insight` and `commander` would both be called `viewer`", NULL},
    {"resources:\n"
     "  a: {type: redis, insight: {accept_eula: true}}\n"
     "  b: {type: redis, insight: {accept_eula: false}}\n",
     "3:43: error: `insight` serves all servers: `accept_eula` is false for `b`, and true for `a`",
     "see line 2; say it once, or twice the same"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], replicas: 3}\n"
     "  a-2: redis\n",
     "3:3: error: `a-2` is the name of a replica of `a` already",
     "see line 2: its replicas are `a-1` to `a-3`"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], replicas: 2}\n"
     "  b: {type: process, command: [sleep], wait_for: [a-1]}\n",
     "3:51: error: there is no resource `a-1`", "it is a replica of `a`, which is referred to as a whole"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], profiles: [dev]}\n"
     "  b: {type: process, command: [sleep], wait_for: [a]}\n",
     "3:51: error: `a` is not there: none of its profiles is on",
     "--profile dev turns it on; {resource: a, optional: true} does without"},
    {"resources:\n"
     "  a: {type: redis, start: manual}\n"
     "  b: {type: process, command: [sleep], references: [a]}\n",
     "3:53: error: `a` is started by hand only (`start: manual`)",
     "{resource: a, optional: true} does without"},
    {"resources:\n"
     "  a: redis\n"
     "  b: {type: process, command: [sleep, \"${a.http.url}\"]}\n",
     "3:40: error: `a` has no endpoint `http`", "write ${a.host}, ${a.port}, ${a.uri} …"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], endpoints: {http: {}}}\n"
     "  b: {type: process, command: [sleep, \"${a.url}\"]}\n",
     "3:40: error: this needs an endpoint of `a`", "write ${a.http.url}, ${a.http.host} or ${a.http.port}"},
    {"resources:\n"
     "  a: {type: process, command: [sleep], endpoints: {http: {}}}\n"
     "  b: {type: process, command: [sleep, \"${a.http.uri}\"]}\n",
     "3:40: error: an endpoint has url, host and port", NULL},
    {"resources:\n"
     "  a: redis\n"
     "  b: {type: process, command: [sleep, \"${a.ca_file}\"]}\n",
     "3:40: error: `a` has no authority file: its `tls` is off", NULL},
    {"resources:\n"
     "  a: {type: connection-string}\n"
     "  b: {type: process, command: [sleep], references: [a]}\n",
     "2:3: error: the connection string `a` has no value",
     "write `value`, or set ConnectionStrings__a in the environment or .env"},
    {"resources:\n"
     "  a: {type: process, command: [sleep]}\n"
     "  b: {type: process, command: [sleep], references: [a]}\n",
     "3:53: error: `a` has no endpoints: a reference to it gives nothing", "`wait_for` waits for it"},
    {"parameters: {p: {}}\n"
     "resources:\n"
     "  b: {type: process, command: [sleep, \"${parameters.p}\"]}\n",
     "1:14: error: the parameter `p` has no value",
     "give it with --parameter p=@FILE, in the environment or .env as Parameters__p or APPHOST_PARAM_P, or "
     "write `default` or `generate`"},
    {"parameters: {p: {}}\n"
     "resources:\n"
     "  b: {type: process, command: [sleep, \"${parameters.q}\"]}\n",
     "3:40: error: there is no parameter `q`", "declare it under `parameters`"},
    {"resources:\n"
     "  b: {type: process, command: [sleep, \"${a.host}\"]}\n",
     "2:40: error: there is no resource `a`", "a variable has no dot in its name"},
    {"resources:\n"
     "  b: {type: process, command: [sleep, \"${NOT_SET}\"]}\n",
     "2:40: error: the variable `NOT_SET` is not set, and it has no default",
     "set it, put it into .env, or write ${NOT_SET:-default}; a dollar sign as such is $$"},
    {"resources:\n"
     "  b: {type: process, command: [sleep, \"${NOT_SET:?say which}\"]}\n",
     "2:40: error: `NOT_SET` is not set: say which", NULL},
    {"resources:\n"
     "  b: {type: process, command: [sleep, \"${\"]}\n",
     "2:40: error: `${` without its `}`",
     "${NAME}, ${NAME:-default}, ${resource.host} …; a dollar sign as such is $$"},
};

static void clashes_are_told_at_the_second_place(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof clashes / sizeof *clashes; i++) {
        cleanup_free char *hint = clashes[i].hint ? xasprintf("hint: %s", clashes[i].hint) : NULL;
        fixture_bad(f, clashes[i].text, clashes[i].wanted);
        if (hint && !strstr(strbuf_text(&f->printed), hint))
            fail_msg("wanted \"%s\" in:\n%s", hint, strbuf_text(&f->printed));
    }
}

/* What only looks like one. */
static const char *const peaceful[] = {
    "resources:\n  a: {type: redis, host_port: 6379}\n  b: {type: redis, host_port: 6379, bind_address: "
    "127.0.0.2}\n",
    "resources:\n  a: {type: redis, data_volume: {name: x, read_only: true}}\n  b: {type: redis, "
    "data_volume: x}\n",
    "resources:\n  a: {type: redis, commander: true}\n  b: {type: redis, commander: {host_port: 81}}\n",
};

static void what_only_looks_like_a_clash_is_none(void **state)
{
    for (size_t i = 0; i < sizeof peaceful / sizeof *peaceful; i++)
        fixture_good(*state, peaceful[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clashes_are_told_at_the_second_place),
        TEST(what_only_looks_like_a_clash_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
