/* The files for Kubernetes: what is made of each kind of service, where its secrets are, which names it gets
 * there, and what is read back by who publishes next. */
#include "application.h"

#include "publish/kubernetes.h"
#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static const char *published(struct application *a, const char *name)
{
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    return application_file(a, name);
}

/* ---- what becomes of a service ---- */

static void a_server_is_a_stateful_set_that_keeps_its_claim(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    const char *text = published(a, "cache.yaml");
    assert_has(text, "kind: Service\nmetadata:\n  name: cache\n");
    assert_has(text, "kind: Service\nmetadata:\n  name: cache-headless\n");
    assert_has(text, "  serviceName: cache-headless\n");
    assert_has(text, "  persistentVolumeClaimRetentionPolicy:\n    whenDeleted: Retain\n"
                     "    whenScaled: Retain\n");
    assert_has(text, "  volumeClaimTemplates:\n  - metadata:\n      name: data\n");
    assert_has(text, "        - name: data\n          mountPath: /data\n");
    assert_has(text, "        runAsNonRoot: true\n        runAsUser: 999\n        runAsGroup: 999\n"
                     "        fsGroup: 999\n");
    assert_has(text, "          readOnlyRootFilesystem: true\n          capabilities:\n"
                     "            drop:\n            - ALL\n");
    assert_lacks(text, "LoadBalancer");
    assert_lacks(text, "emptyDir");
}

/* Ready is who answers PONG, alive who answers anything; who is loading has the whole time. */
static void a_server_is_asked_three_things(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    const char *text = published(a, "cache.yaml");
    cleanup_free char *startup = application_block(text, "        startupProbe:");
    cleanup_free char *ready = application_block(text, "        readinessProbe:");
    cleanup_free char *alive = application_block(text, "        livenessProbe:");

    assert_has(startup, "- \"[ \\\"$(redis-cli ping)\\\" = PONG ]\"\n          periodSeconds: 1\n"
                        "          timeoutSeconds: 3\n          failureThreshold: 600\n");
    assert_has(ready, "= PONG ]\"\n          periodSeconds: 5\n          timeoutSeconds: 3\n"
                      "          failureThreshold: 3\n");
    assert_has(alive, "- \"redis-cli ping >/dev/null\"\n          periodSeconds: 10\n"
                      "          timeoutSeconds: 5\n          failureThreshold: 6\n");
}

static void a_server_without_data_has_an_empty_folder(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add_server(a, "cache", "pw1");
    s->mount_count = a->d.volume_count = 0;
    s->has_data = false;
    s->kind = MODEL_GARNET;
    const char *text = published(a, "cache.yaml");
    assert_has(text, "kind: StatefulSet\n");
    assert_has(text, "      - name: data\n        emptyDir: {}\n");
    assert_lacks(text, "volumeClaimTemplates");
    /* Its image is another one: it is asked at its port, and has its own user. */
    assert_has(text, "          tcpSocket:\n            port: 6379\n");
    assert_lacks(text, "readOnlyRootFilesystem");
    assert_lacks(text, "runAsUser");
}

static void a_consumer_is_a_deployment_that_waits(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1")->check.is_tls = true;
    struct deployment_service *api = application_add(a, "Api", "example/api:1");
    application_add_variable(a, api, "URI", application_text(a, "redis://:", "cache-password", 0));
    application_add_variable(a, api, "PRICE", application_text(a, "$(HOME) $X {{x}}", NULL, 0));
    application_add_need(a, api, "cache", PLAN_HEALTHY);
    api->replicas = 2;
    const char *text = published(a, "api.yaml");

    assert_has(text, "kind: Deployment\nmetadata:\n  name: api\n");
    assert_has(text, "spec:\n  replicas: 2\n");
    assert_has(text, "      maxSurge: 1\n      maxUnavailable: 0\n");
    assert_has(text, "        - name: URI\n          valueFrom:\n            secretKeyRef:\n"
                     "              name: shop-api\n              key: URI\n");
    assert_has(text, "        - name: PRICE\n          value: \"$$(HOME) $X {{x}}\"\n");
    assert_has(text, "      initContainers:\n      - name: wait-cache\n        image: \"example/redis:8\"\n");
    assert_has(text, "- \"until [ \\\"$$(redis-cli -h cache -p 6379 --tls --insecure ping)\\\" = PONG ]; "
                     "do sleep 1; done\"\n        env:\n        - name: REDISCLI_AUTH\n");
    assert_has(text, "              name: shop-cache\n              key: cache-password\n");
    assert_lacks(text, "kind: Service\n");
}

static void nobody_waits_for_what_may_be_missing(void **state)
{
    struct application *a = *state;
    struct deployment_service *cache = application_add_server(a, "cache", "pw1");
    struct deployment_service *api = application_add(a, "api", "example/api:1");
    application_add_need(a, api, "cache", PLAN_HEALTHY);
    assert_has(published(a, "api.yaml"), "wait-cache");
    api->needs[0].required = false;
    assert_lacks(published(a, "api.yaml"), "initContainers");
    api->needs[0].required = true;
    cache->is_manual = true;
    assert_lacks(published(a, "api.yaml"), "initContainers");
    assert_has(application_file(a, "cache.yaml"), "spec:\n  replicas: 0\n");
}

static void a_task_is_a_job_by_what_it_is(void **state)
{
    struct application *a = *state;
    struct deployment_service *task = application_add(a, "Migrate", "example/api:1");
    application_add_need(a, application_add(a, "api", "example/api:1"), "Migrate", PLAN_COMPLETED);
    application_add_port(a, task, "http", 80);
    task->is_task = true;
    task->restart = (struct plan_restart){.when = MODEL_RESTART_ON_FAILURE, .max_retries = 2};
    cleanup_free char *name = publish_kubernetes_job(&a->d, task);
    cleanup_free char *head = xasprintf("kind: Job\nmetadata:\n  name: %s\n", name);
    const char *text = published(a, "migrate.yaml");

    assert_true(str_starts(name, "migrate-"));
    assert_int_equal(strlen(name), strlen("migrate-") + 8);
    assert_has(text, head);
    assert_has(text, "  backoffLimit: 2\n");
    assert_has(text, "      restartPolicy: Never\n");
    assert_lacks(text, "kind: Service\n");
    assert_int_equal(a->files.notes.count, 1);
    assert_has(a->files.notes.items[0], "api starts beside the task Migrate: Kubernetes has no order");

    task->restart.when = MODEL_RESTART_NEVER;
    assert_has(published(a, "migrate.yaml"), "  backoffLimit: 0\n");
    task->image = "example/api:2";
    cleanup_free char *other = publish_kubernetes_job(&a->d, task);
    assert_string_not_equal(name, other);
}

static void what_is_exposed_has_a_load_balancer(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "api", "example/api:1");
    struct deployment_port *port = application_add_port(a, s, "http", 8080);
    application_add_port(a, s, "a-long-name-of-an-endpoint", 9000);
    s->is_exposed = port->is_public = true;
    port->outside = 80;
    const char *text = published(a, "api.yaml");
    assert_has(text, "spec:\n  type: LoadBalancer\n");
    assert_has(text, "  ports:\n  - name: http\n    port: 8080\n    targetPort: 8080\n"
                     "  - name: public-80\n    port: 80\n    targetPort: 8080\n"
                     "  - name: port-9000\n    port: 9000\n    targetPort: 9000\n");
}

static void others_are_asked_as_they_said(void **state)
{
    const char *words[] = {"check", "now", NULL};
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "api", "example/api:1");
    s->check = (struct deployment_check){
        .kind = DEPLOYMENT_CHECK_HTTP, .http_path = "/ready", .port = 8080, .start_ms = 500, .exec = words};
    const char *text = published(a, "api.yaml");
    assert_has(text, "        startupProbe:\n          httpGet:\n            path: /ready\n"
                     "            port: 8080\n          periodSeconds: 1\n          timeoutSeconds: 1\n"
                     "          failureThreshold: 1\n        readinessProbe:\n          httpGet:\n");
    assert_lacks(text, "livenessProbe");
    s->check.kind = DEPLOYMENT_CHECK_TCP;
    assert_has(published(a, "api.yaml"),
               "        readinessProbe:\n          tcpSocket:\n            port: 8080");
    s->check.kind = DEPLOYMENT_CHECK_EXEC;
    assert_has(published(a, "api.yaml"), "            command:\n            - check\n            - now\n");
    s->check.kind = DEPLOYMENT_CHECK_NONE;
    assert_lacks(published(a, "api.yaml"), "Probe");
}

static void a_pod_is_what_it_was_told(void **state)
{
    struct application *a = *state;
    const char *hosts[] = {"db:10.0.0.7"}, *memory[] = {"/run"};
    struct model_pair label = {"team", "a", {0}};
    struct deployment_service *s = application_add(a, "worker", "example/worker:1");
    s->user = "1000:2000";
    s->platform = "linux/arm64/v8";
    s->extra_hosts = hosts;
    s->tmpfs = memory;
    s->labels = &label;
    s->extra_host_count = s->tmpfs_count = s->label_count = 1;
    s->memory = 64 << 20;
    s->stop_timeout_ms = 1001;
    s->pull = MODEL_PULL_NEVER;
    const char *text = published(a, "worker.yaml");

    assert_has(text, "        runAsUser: 1000\n        runAsGroup: 2000\n        seccompProfile:");
    assert_has(text, "        kubernetes.io/os: linux\n        kubernetes.io/arch: arm64\n");
    assert_has(text, "      - ip: \"10.0.0.7\"\n        hostnames:\n        - db\n");
    assert_has(text, "      - name: memory-0\n        emptyDir:\n          medium: Memory\n");
    assert_has(text, "      annotations:\n        team: a\n");
    assert_has(text, "          limits:\n            memory: \"67108864\"\n");
    assert_has(text, "      terminationGracePeriodSeconds: 2\n");
    assert_has(text, "        imagePullPolicy: Never\n");
}

/* ---- volumes ---- */

static void a_volume_of_two_is_a_claim_of_its_own(void **state)
{
    struct application *a = *state;
    struct deployment_service *one = application_add(a, "one", "example/one:1");
    struct deployment_service *two = application_add(a, "two", "example/two:1");
    application_add_mount(a, one, "Shared_x", "/shared");
    application_add_mount(a, two, "Shared_x", "/shared")->read_only = true;
    application_add_mount(a, two, "theirs", "/theirs");
    a->volumes[1].external = true;
    const char *claims = published(a, "volumes.claims.yaml");

    assert_has(claims, "kind: PersistentVolumeClaim\nmetadata:\n  name: shared-x\n");
    assert_lacks(claims, "theirs");
    assert_has(application_file(a, "two.yaml"),
               "        - name: shared-x\n          mountPath: /shared\n          readOnly: true\n");
    assert_has(application_file(a, "two.yaml"), "      volumes:\n      - name: shared-x\n"
                                                "        persistentVolumeClaim:\n"
                                                "          claimName: shared-x\n"
                                                "      - name: theirs\n"
                                                "        persistentVolumeClaim:\n"
                                                "          claimName: theirs\n");
    assert_lacks(application_file(a, "one.yaml"), "volumeClaimTemplates");
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* A pod with two volumes of one name is refused by the cluster. */
static void volumes_of_a_pod_have_names_of_their_own(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "db", "example/db:1");
    application_add_secret(a, "token", "x");
    application_add_file(a, s, "token", application_text(a, NULL, "token", PLAN_FILTER_NONE));
    application_add_mount(a, s, "db-data", "/own");
    application_add_mount(a, s, "data", "/other");
    application_add_mount(a, s, "conf", "/conf");
    const char *text = published(a, "db.yaml");
    assert_has(text, "        - name: volume-db-data\n          mountPath: /own\n");
    assert_has(text, "        - name: data\n          mountPath: /other\n");
    assert_has(text, "        - name: volume-conf\n          mountPath: /conf\n");
    assert_has(text, "  - metadata:\n      name: volume-db-data\n");
    assert_has(text, "  - metadata:\n      name: data\n");
    assert_has(text, "  - metadata:\n      name: volume-conf\n");
}

static void a_volume_at_two_places_is_one(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, "db", "example/db:1");
    application_add_mount(a, s, "db-data", "/data");
    application_add_mount(a, s, "db-data", "/backup");
    const char *text = published(a, "db.yaml");
    assert_int_equal(count_of(text, "          claimName: db-data\n"), 1);
    assert_int_equal(count_of(text, "        - name: data\n          mountPath: "), 2);
    assert_int_equal(count_of(application_file(a, "volumes.claims.yaml"), "  name: db-data\n"), 1);
}

/* ---- secrets ---- */

static void secrets_stand_in_closed_files_alone(void **state)
{
    struct application *a = *state;
    struct deployment_service *api;
    application_add_server(a, "cache", "pw1secret");
    api = application_add(a, "api", "example/api:1");
    application_add_variable(a, api, "URI",
                             application_text(a, "redis://:", "cache-password", PLAN_FILTER_URI));
    application_write(a, publish_kubernetes);

    assert_has(application_file(a, "secrets/cache.yaml"),
               "stringData:\n  cache.conf: \"requirepass \\\"pw1secret\\\"\"\n  cache-password: pw1secret\n");
    assert_has(application_file(a, "secrets/api.yaml"), "stringData:\n  URI: \"redis://:pw1secret\"\n");
    assert_string_equal(application_file(a, ".gitignore"), "/secrets/\n");
    for (size_t i = 0; i < a->files.count; i++) {
        const struct publish_file *file = &a->files.items[i];
        cleanup_free char *path = path_join(a->folder, file->name);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        bool is_closed = (info.st_mode & 077) == 0;
        assert_int_equal(is_closed, str_starts(file->name, "secrets/"));
        if (!is_closed)
            assert_lacks(file->text, "pw1secret");
    }
}

/* A Secret that changes restarts nobody by itself. */
static void a_new_value_is_a_new_pod(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_add(a, "web", "example/web:1");
    cleanup_free char *cache = xstrdup(published(a, "cache.yaml"));
    cleanup_free char *web = xstrdup(application_file(a, "web.yaml"));
    assert_has(cache, "apphost.io/config-hash");
    assert_lacks(web, "config-hash");
    a->secrets[0].value = "pw2";
    assert_string_not_equal(published(a, "cache.yaml"), cache);
    assert_string_equal(application_file(a, "web.yaml"), web);
    a->secrets[0].value = "pw1";
    assert_string_equal(published(a, "cache.yaml"), cache);
}

static void who_publishes_next_goes_on_with_the_values(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "a\n\"b\": {{c}}");
    application_add_secret(a, "parameters.token", "given");
    application_write(a, publish_kubernetes);
    char key[sizeof a->d.key];
    memcpy(key, a->d.key, sizeof key);
    assert_lacks(application_file(a, "secrets/values.generated.yaml"), "given");

    a->secrets[0].value = "another";
    *a->d.key = '\0';
    assert_int_equal(publish_take_generated(&a->files, &a->d, &a->error), 0);
    assert_string_equal(a->secrets[0].value, "a\n\"b\": {{c}}");
    assert_string_equal(a->d.key, key);

    /* What is none of ours is passed over. */
    application_put(a, "secrets/values.generated.yaml", "stringData: [cache-password, x]\n");
    assert_int_equal(publish_take_generated(&a->files, &a->d, &a->error), 0);
    application_put(a, "secrets/values.generated.yaml", "stringData: {cache-password: '', a: [\n");
    assert_int_equal(publish_take_generated(&a->files, &a->d, &a->error), 0);
    assert_string_equal(a->secrets[0].value, "a\n\"b\": {{c}}");
}

static void a_second_time_changes_nothing(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    application_add(a, "api", "example/api:1");
    application_write(a, publish_kubernetes);
    application_write(a, publish_kubernetes);
    assert_int_equal(a->files.count, 6);
    for (size_t i = 0; i < a->files.count; i++)
        assert_false(a->files.items[i].is_changed);
    cleanup_free char *text = application_read(a, "api.yaml");
    assert_true(str_starts(text, "# written by apphost publish, hash "));
}

/* ---- names ---- */

static void refused(struct application *a, const char *text, int line)
{
    assert_int_equal(application_publish(a, publish_kubernetes), -1);
    assert_has(a->error.text, text);
    assert_int_equal(a->error.code, ERROR_MANIFEST);
    assert_string_equal(a->error.source.file, "apphost.yaml");
    assert_int_equal(a->error.source.line, line);
}

#define LETTERS(count) (&"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[64 - (count)])

static void names_have_the_length_that_their_kind_takes(void **state)
{
    struct application *a = *state;
    struct deployment_service *s = application_add(a, LETTERS(63), "example/x:1");
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    s->name = LETTERS(64);
    refused(a, "is too long for the name of a Deployment: Kubernetes takes 63 characters", 11);
    assert_has(a->error.hint, "call the resource \"aaa");
    /* Nine characters behind it tell one task from another. */
    s->is_task = true;
    s->name = LETTERS(54);
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    s->name = LETTERS(55);
    refused(a, "name of a Job", 11);

    s->is_task = false;
    s->has_data = true;
    s->name = LETTERS(53);
    refused(a, "name of a StatefulSet: Kubernetes takes 52 characters", 11);
    s->name = LETTERS(52);
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
}

static void names_that_come_to_one_are_refused(void **state)
{
    struct application *a = *state;
    application_add_server(a, "cache", "pw1");
    struct deployment_service *other = application_add(a, "Cache-Headless", "example/x:1");
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    application_add_port(a, other, "http", 80);
    refused(a, "two resources come to the Service cache-headless there", 12);
}

/* Names of volumes may have what those of Kubernetes may not. */
static void volumes_that_come_to_one_are_refused(void **state)
{
    struct application *a = *state;
    struct deployment_service *api = application_add(a, "api", "example/x:1");
    application_add_mount(a, api, "a_b", "/one");
    application_add_mount(a, api, "c.b", "/two");
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    application_add_mount(a, api, "a.b", "/three");
    refused(a, "two resources come to the volume of api volume-a-b there", 11);
    assert_string_equal(a->error.hint, "call one of the volumes otherwise");

    struct deployment_service *web = application_add(a, "web", "example/x:1");
    api->mount_count = 2;
    application_add_mount(a, web, "a_b", "/one");
    struct deployment_service *two = application_add(a, "two", "example/x:1");
    application_add_mount(a, two, "a.b", "/one");
    assert_int_equal(application_publish(a, publish_kubernetes), 0);
    struct deployment_service *three = application_add(a, "three", "example/x:1");
    application_add_mount(a, three, "a.b", "/one");
    refused(a, "two resources come to the PersistentVolumeClaim a-b there", 11);
}

static void the_kustomization_stays_ours(void **state)
{
    struct application *a = *state;
    application_add(a, "Kustomization", "example/x:1");
    const char *text = published(a, "kustomization.yaml");
    assert_has(text, "kind: Kustomization\nresources:\n- secrets/values.generated.yaml\n"
                     "- kustomization.service.yaml\n");
    assert_has(application_file(a, "kustomization.service.yaml"), "kind: Deployment\n");
}

/* A tag stands for an image as a whole: with two of them, none may be set for both. */
static void images_are_named_where_they_have_one_tag(void **state)
{
    struct application *a = *state;
    application_add(a, "one", "registry:5000/api:1");
    application_add(a, "two", "registry:5000/api:1");
    application_add(a, "old", "example/redis:7");
    application_add(a, "new", "example/redis:8");
    application_add(a, "plain", "registry:5000/plain");
    application_add(a, "fixed", "example/x:1@sha256:0123");
    const char *text = published(a, "kustomization.yaml");
    assert_has(text, "images:\n- name: \"registry:5000/api\"\n  newTag: \"1\"\n");
    assert_int_equal(count_of(text, "newTag"), 1);
    assert_lacks(text, "redis\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, application_setup, application_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_is_a_stateful_set_that_keeps_its_claim),
        CASE(a_server_is_asked_three_things),
        CASE(a_server_without_data_has_an_empty_folder),
        CASE(a_consumer_is_a_deployment_that_waits),
        CASE(nobody_waits_for_what_may_be_missing),
        CASE(a_task_is_a_job_by_what_it_is),
        CASE(what_is_exposed_has_a_load_balancer),
        CASE(others_are_asked_as_they_said),
        CASE(a_pod_is_what_it_was_told),
        CASE(a_volume_of_two_is_a_claim_of_its_own),
        CASE(volumes_of_a_pod_have_names_of_their_own),
        CASE(a_volume_at_two_places_is_one),
        CASE(secrets_stand_in_closed_files_alone),
        CASE(a_new_value_is_a_new_pod),
        CASE(who_publishes_next_goes_on_with_the_values),
        CASE(a_second_time_changes_nothing),
        CASE(names_have_the_length_that_their_kind_takes),
        CASE(names_that_come_to_one_are_refused),
        CASE(volumes_that_come_to_one_are_refused),
        CASE(the_kustomization_stays_ours),
        CASE(images_are_named_where_they_have_one_tag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
