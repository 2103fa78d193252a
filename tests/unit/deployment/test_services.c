/* What services become of resources: in which order they stand, how they are started, reached and asked, and
 * which files they get. */
#include "app.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void assert_literal(const struct plan_text *text, const char *wanted)
{
    assert_int_equal(text->count, 1);
    assert_int_equal(text->parts[0].kind, PLAN_LITERAL);
    assert_string_equal(text->parts[0].text, wanted);
}

static const struct deployment_need *need_of(const struct app *app, const char *service, const char *to)
{
    const struct deployment_service *s = app_find(app, service);
    for (size_t i = 0; i < s->need_count; i++)
        if (strcmp(s->needs[i].service, to) == 0)
            return &s->needs[i];
    fail_msg("%s does not need %s", service, to);
    return NULL;
}

/* ---- order ---- */

static void services_stand_behind_what_they_need(void **state)
{
    static const char *const wanted[] = {"cache", "migrate", "web", "api", "last"};
    struct app *app = *state;
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    struct model_resource *migrate = app_add(app, "migrate", MODEL_PROCESS);
    app_add(app, "cache", MODEL_REDIS);
    app_add(app, "web", MODEL_CONTAINER);
    app_add(app, "last", MODEL_CONTAINER);
    migrate->process.task = true;
    app_refer(app, migrate, "cache");
    app_refer(app, api, "cache");
    app_wait(app, api, "migrate", MODEL_UNTIL_DEFAULT);
    app_wait(app, api, "web", MODEL_UNTIL_HEALTHY);
    app_settle(app, DEPLOYMENT_COMPOSE);

    assert_int_equal(app->d->service_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(app->d->services[i].name, wanted[i]);
    assert_int_equal(need_of(app, "api", "cache")->until, PLAN_HEALTHY);
    assert_int_equal(need_of(app, "api", "migrate")->until, PLAN_COMPLETED);
    /* Nobody asks it, so that nobody would ever say that it is healthy. */
    assert_int_equal(need_of(app, "api", "web")->until, PLAN_STARTED);
    assert_int_equal(app_find(app, "api")->need_count, 3);
}

static void an_address_passes_on_what_it_is_made_of(void **state)
{
    struct app *app = *state;
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    struct model_resource *string = app_add(app, "string", MODEL_CONNECTION_STRING);
    app_add(app, "cache", MODEL_REDIS);
    string->connection.value = app_part(app, MODEL_GET_HOST, "cache");
    app_refer(app, api, "string");
    app_settle(app, DEPLOYMENT_KUBERNETES);

    cleanup_free char *value = app_value(app, "api", "ConnectionStrings__string");
    assert_string_equal(value, "cache");
    assert_int_equal(app->d->service_count, 2);
    assert_int_equal(app_find(app, "api")->need_count, 1);
    assert_true(need_of(app, "api", "cache")->required);
}

/* ---- how it is started ---- */

static void servers_are_started_with_their_file(void **state)
{
    struct app *app = *state;
    app_add(app, "one", MODEL_VALKEY);
    app_add(app, "two", MODEL_GARNET);
    app_settle(app, DEPLOYMENT_KUBERNETES);
    const struct deployment_service *valkey = app_find(app, "one"), *garnet = app_find(app, "two");
    assert_int_equal(valkey->entrypoint_count, 0);
    assert_int_equal(valkey->command_count, 2);
    assert_literal(&valkey->command[0], "valkey-server");
    assert_literal(&valkey->command[1], "/etc/apphost/one.conf");
    assert_string_equal(
        valkey->check.shell,
        "[ \"$(REDISCLI_AUTH=\"$(cat /etc/apphost/one-password)\" valkey-cli ping)\" = PONG ]");

    assert_literal(&garnet->entrypoint[0], "/bin/sh");
    assert_int_equal(garnet->command_count, 1);
    assert_non_null(strstr(garnet->command[0].parts[0].text, "--config-import-path /etc/apphost/two.conf"));
    assert_string_equal(garnet->check.shell, "exec bash -c ':</dev/tcp/127.0.0.1/6379'");
    app_settle(app, DEPLOYMENT_SWARM);
    assert_literal(&app_find(app, "one")->command[1], "/run/secrets/one.conf");
}

/* Nobody is there to make them: they stand in the configuration. */
static void users_are_made_by_the_configuration(void **state)
{
    static struct model_user users[] = {
        {.name = "app", .password_kind = MODEL_PASSWORD_TEXT, .password = "a \"b", .acl = "~app:* +@all"},
        {.name = "guest", .password_kind = MODEL_PASSWORD_NONE, .acl = "+ping"}};
    struct app *app = *state;
    struct model_resource *cache = app_add(app, "cache", MODEL_REDIS);
    cache->redis.users = users;
    cache->redis.user_count = 2;
    app_settle(app, DEPLOYMENT_COMPOSE);
    cleanup_free char *conf = app_content(app, "cache", "cache.conf");
    cleanup_free char *password = app_content(app, "cache", "cache-password");
    cleanup_free char *line = xasprintf("requirepass \"%s\"\n", password);
    assert_non_null(strstr(conf, line));
    assert_non_null(strstr(conf, "\nuser app on >\"a \\\"b\" ~app:* +@all\nuser guest on nopass +ping\n"));
    cache->kind = MODEL_GARNET;
    app_refuses(app, DEPLOYMENT_COMPOSE, "users of a Garnet server cannot be made", 10);
}

static void a_server_without_a_password_has_one_file(void **state)
{
    struct app *app = *state;
    app_add(app, "cache", MODEL_REDIS)->redis.password_kind = MODEL_PASSWORD_NONE;
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(app_find(app, "cache")->file_count, 1);
    assert_string_equal(app_find(app, "cache")->check.shell, "[ \"$(redis-cli ping)\" = PONG ]");
    assert_int_equal(app->d->secret_count, 0);
}

/* ---- certificates ---- */

struct certificates {
    char folder[64];
    char *cert, *key, *ca;
};

static char *put(const char *folder, const char *name, const char *text)
{
    char *path = path_join(folder, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    return path;
}

static void make(struct certificates *c)
{
    strcpy(c->folder, "/tmp/apphost-deployment-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    c->cert = put(c->folder, "cert.pem", "CERT\n");
    c->key = put(c->folder, "key.pem", "KEY\n");
    c->ca = put(c->folder, "ca.pem", "CA\n");
}

static void drop(struct certificates *c)
{
    file_remove_tree(c->folder, NULL);
    free(c->cert);
    free(c->key);
    free(c->ca);
}

static struct model_resource *add_with_tls(struct app *app, const char *name, const struct certificates *c)
{
    struct model_resource *r = app_add(app, name, MODEL_REDIS);
    r->redis.tls = (struct model_tls){
        .on = true, .cert = c->cert, .key = c->key, .ca = c->ca, .pos = {"apphost.yaml", 77, 5}};
    return r;
}

static void certificates_are_files_of_the_server(void **state)
{
    struct app *app = *state;
    struct certificates c;
    make(&c);
    add_with_tls(app, "cache", &c);
    app_settle(app, DEPLOYMENT_KUBERNETES);
    cleanup_free char *conf = app_content(app, "cache", "cache.conf");
    cleanup_free char *cert = app_content(app, "cache", "cache-tls.crt");
    cleanup_free char *key = app_content(app, "cache", "cache-tls.key");
    assert_string_equal(cert, "CERT\n");
    assert_string_equal(key, "KEY\n");
    assert_non_null(strstr(conf, "tls-cert-file /etc/apphost/cache-tls.crt\n"
                                 "tls-key-file /etc/apphost/cache-tls.key\n"));
    assert_null(strstr(conf, c.folder));
    assert_non_null(strstr(app_find(app, "cache")->check.shell, " --tls --insecure ping"));
    assert_true(app_find(app, "cache")->check.is_tls);

    unlink(c.key);
    app_refuses(app, DEPLOYMENT_KUBERNETES, "key.pem", 77);
    drop(&c);
}

/* One authority for several servers: each consumer's variable leads to the file of its own server. */
static void consumers_get_the_authority_of_each_server(void **state)
{
    struct app *app = *state;
    struct certificates c;
    make(&c);
    add_with_tls(app, "cache", &c);
    add_with_tls(app, "cache2", &c);
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    app_refer(app, api, "cache");
    app_refer(app, api, "cache2");
    app_settle(app, DEPLOYMENT_COMPOSE);

    const struct deployment_service *s = app_find(app, "api");
    cleanup_free char *first = app_value(app, "api", "CACHE_CA_FILE");
    cleanup_free char *second = app_value(app, "api", "CACHE2_CA_FILE");
    assert_string_equal(first, "/run/secrets/cache-ca.pem");
    assert_string_equal(second, "/run/secrets/cache2-ca.pem");
    assert_int_equal(s->mount_count, 0);
    assert_int_equal(s->file_count, 2);
    assert_string_equal(s->files[0].name, "api-ca-cache");
    assert_string_equal(s->files[1].name, "api-ca-cache2");
    cleanup_free char *text = app_content(app, "api", "cache2-ca.pem");
    assert_string_equal(text, "CA\n");
    drop(&c);
}

/* ---- how it is reached ---- */

static void ports_inside_are_told_or_chosen(void **state)
{
    static struct model_inner_port told[] = {{"admin", 8080, {"apphost.yaml", 78, 5}}};
    struct app *app = *state;
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    app_endpoint(app, api, "http")->env = "PORT";
    app_endpoint(app, api, "admin")->env = "ADMIN_PORT";
    app_endpoint(app, api, "fixed")->port = 9000;
    api->publish.ports = told;
    api->publish.port_count = 1;
    app_settle(app, DEPLOYMENT_KUBERNETES);

    const struct deployment_service *s = app_find(app, "api");
    cleanup_free char *port = app_value(app, "api", "PORT"), *admin = app_value(app, "api", "ADMIN_PORT");
    /* 8080, with which choosing begins, is taken. */
    assert_string_equal(port, "8081");
    assert_string_equal(admin, "8080");
    assert_int_equal(s->ports[2].inside, 9000);
    for (size_t i = 0; i < s->port_count; i++)
        assert_int_equal(s->ports[i].outside, 0);

    told[0].endpoint = "other";
    app_refuses(app, DEPLOYMENT_KUBERNETES, "\"api\" has no endpoint \"other\"", 78);
    told[0].endpoint = "admin";
    api->endpoints[0].env = NULL;
    app_refuses(app, DEPLOYMENT_KUBERNETES, "nothing tells where \"api\" listens for \"http\"", 77);
}

static void what_is_exposed_is_for_everybody(void **state)
{
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    app_endpoint(app, web, "http")->target_port = 80;
    web->publish.expose = true;
    app_settle(app, DEPLOYMENT_SWARM);
    const struct deployment_port *port = &app_find(app, "web")->ports[0];
    assert_true(port->is_public);
    assert_int_equal(port->outside, 80);
    assert_string_equal(port->address, "0.0.0.0");
    web->endpoints[0].port = 8080;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_int_equal(app_find(app, "web")->ports[0].outside, 8080);
}

/* ---- how it is asked ---- */

static void others_are_asked_with_what_their_image_has(void **state)
{
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    app_endpoint(app, web, "http")->target_port = 80;
    web->ready = (struct model_ready){
        .kind = MODEL_READY_HTTP, .http_path = "/up", .interval_ms = 700, .timeout_ms = 9000};
    app_settle(app, DEPLOYMENT_COMPOSE);
    const struct deployment_check *check = &app_find(app, "web")->check;
    assert_string_equal(check->shell, "wget -q -O /dev/null 'http://127.0.0.1:80/up' || "
                                      "curl -fsS -o /dev/null 'http://127.0.0.1:80/up'");
    assert_int_equal(check->interval_ms, 700);
    assert_int_equal(check->start_ms, 9000);
    assert_non_null(app_note(app, "its image needs wget or curl"));

    app_settle(app, DEPLOYMENT_KUBERNETES);
    assert_int_equal(app->d->note_count, 0);
    web->ready.kind = MODEL_READY_TCP;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_string_equal(app_find(app, "web")->check.shell,
                        "nc -z 127.0.0.1 80 || bash -c ':</dev/tcp/127.0.0.1/80'");
    assert_non_null(app_note(app, "its image needs nc or bash"));
}

/* Compose and Swarm know the image's own check, Kubernetes asks at the port. */
static void what_says_nothing_is_asked_as_its_image_says(void **state)
{
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    app_settle(app, DEPLOYMENT_KUBERNETES);
    assert_int_equal(app_find(app, "web")->check.kind, DEPLOYMENT_CHECK_NONE);
    app_endpoint(app, web, "http")->target_port = 80;
    app_settle(app, DEPLOYMENT_KUBERNETES);
    assert_int_equal(app_find(app, "web")->check.kind, DEPLOYMENT_CHECK_TCP);
    assert_int_equal(app_find(app, "web")->check.port, 80);
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(app_find(app, "web")->check.kind, DEPLOYMENT_CHECK_IMAGE);
}

/* ---- volumes, tools ---- */

static void volumes_lose_the_prefix_of_this_machine(void **state)
{
    static struct model_mount mounts[] = {
        {.is_volume = true, .source = "kept", .target = "/kept"},
        {.is_volume = true, .external = true, .source = "theirs", .target = "/theirs", .read_only = true}};
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    web->container.mounts = &mounts[1];
    web->container.mount_count = 1;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_false(app_find(app, "web")->has_data);
    assert_true(app->d->volumes[0].external);

    web->container.mounts = mounts;
    web->container.mount_count = 2;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_true(app_find(app, "web")->has_data);
    assert_int_equal(app->d->volume_count, 2);
    assert_string_equal(app->d->volumes[0].name, "kept");
    assert_false(app->d->volumes[0].external);
    assert_string_equal(app_find(app, "web")->mounts[1].source, "theirs");
}

static void a_folder_needs_a_node_of_swarms(void **state)
{
    static struct model_mount folder = {
        .source = "/srv", .target = "/srv", .read_only = true, .pos = {"apphost.yaml", 77, 5}};
    struct app *app = *state;
    struct model_resource *web = app_add(app, "web", MODEL_CONTAINER);
    web->container.mounts = &folder;
    web->container.mount_count = 1;
    app_refuses(app, DEPLOYMENT_SWARM, "\"web\" mounts /srv, and nothing tells on which node that is", 10);
    web->publish.placement = "node1";
    app_settle(app, DEPLOYMENT_SWARM);
    assert_string_equal(app_find(app, "web")->placement, "node1");
}

static void tools_are_there_when_they_are_asked_for(void **state)
{
    struct app *app = *state;
    app_add(app, "cache", MODEL_REDIS)->redis.insight = (struct model_sidecar){.on = true};
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(app->d->service_count, 1);
    app->options.with_tools = true;
    app_settle(app, DEPLOYMENT_COMPOSE);
    assert_int_equal(app->d->service_count, 2);
    const struct deployment_service *tool = &app->d->services[1];
    assert_true(tool->is_sidecar);
    assert_int_equal(tool->check.kind, DEPLOYMENT_CHECK_NONE);
    /* There is no other way to look at it. */
    assert_int_equal(tool->ports[0].outside, tool->ports[0].inside);
    assert_string_equal(tool->ports[0].address, "127.0.0.1");
}

static void each_replica_is_an_instance_of_its_own(void **state)
{
    struct app *app = *state;
    struct model_resource *api = app_add(app, "api", MODEL_PROCESS);
    app->model.otlp_endpoint = "http://collector:4318";
    api->process.replicas = 3;
    app_settle(app, DEPLOYMENT_SWARM);
    cleanup_free char *attributes = app_value(app, "api", "OTEL_RESOURCE_ATTRIBUTES");
    assert_string_equal(attributes, "service.namespace=shop");
    assert_int_equal(app->d->service_count, 1);
    assert_int_equal(app_find(app, "api")->replicas, 3);
    api->publish.replicas = 5;
    app_settle(app, DEPLOYMENT_SWARM);
    assert_int_equal(app_find(app, "api")->replicas, 5);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(services_stand_behind_what_they_need),
        CASE(an_address_passes_on_what_it_is_made_of),
        CASE(servers_are_started_with_their_file),
        CASE(users_are_made_by_the_configuration),
        CASE(a_server_without_a_password_has_one_file),
        CASE(certificates_are_files_of_the_server),
        CASE(consumers_get_the_authority_of_each_server),
        CASE(ports_inside_are_told_or_chosen),
        CASE(what_is_exposed_is_for_everybody),
        CASE(others_are_asked_with_what_their_image_has),
        CASE(what_says_nothing_is_asked_as_its_image_says),
        CASE(volumes_lose_the_prefix_of_this_machine),
        CASE(a_folder_needs_a_node_of_swarms),
        CASE(tools_are_there_when_they_are_asked_for),
        CASE(each_replica_is_an_instance_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
