/* Commands about this machine and this folder: what dead sessions left, a manifest to begin with, and the
 * web page's process, which here is a lock that somebody holds. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"
#include "state/state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int open_plain(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage_end(stage);
    stage->is_plain = true;
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plain, stage_close)

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

static char *in_state(const struct stage *stage, const char *name)
{
    return xasprintf("%s/state/apphost/shop-%s/%s", stage->folder, stage->hash, name);
}

static void put(const struct stage *stage, const char *name, const char *text)
{
    cleanup_free char *path = in_state(stage, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* ---- gc ---- */

static void a_dead_session_is_named(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("gc", "--dry-run", "--engine", "native"));
    stage_prints(stage, "would clean up session 0123456789abcdef of shop\n");
    stage_runs(stage, 0, WORDS("gc", "--dry-run", "--engine", "native")); /* it was left alone */
    stage_prints(stage, "would clean up session 0123456789abcdef of shop\n");
    stage_runs(stage, 2, WORDS("gc", "shop"));
}

/* Has the session's lock until somebody has asked for it twice; the supervisor of the record has not. */
static _Noreturn void be_guard(const char *folder, int ready)
{
    cleanup_free char *lock = path_join(folder, "lock");
    struct state *held = state_open(folder, false, NULL);
    struct inotify_event event;
    int fd = inotify_init1(IN_CLOEXEC), opened = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!held || state_lock(held, NULL) < 0 || inotify_add_watch(fd, lock, IN_OPEN | IN_CLOSE) < 0 ||
        write(ready, "", 1) != 1)
        _exit(1);
    while (opened < 2 && read(fd, &event, sizeof event) == sizeof event)
        opened += (event.mask & IN_OPEN) != 0;
    _exit(0);
}

/* The lock goes a moment after the socket: nobody is called silent in between, and what is left is found. */
static void a_session_that_is_just_dying_is_waited_for(void **state)
{
    struct stage *stage = *state;
    cleanup_free char *folder = in_state(stage, "");
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t guard = fork();
    if (guard == 0)
        be_guard(folder, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    stage_runs(stage, 0, WORDS("gc", "--dry-run", "--engine", "native"));
    stage_prints(stage, "would clean up session 0123456789abcdef of shop\n");
    assert_null(strstr(strbuf_text(&stage->err), "does not answer"));
    assert_int_equal(waitpid(guard, NULL, 0), guard);
}

static void a_supervisor_that_stays_silent_is_named(void **state)
{
    struct stage *stage = *state;
    cleanup_free char *folder = in_state(stage, "");
    struct state *held = state_open(folder, false, NULL); /* the record has our pid */
    assert_non_null(held);
    int lock = state_lock(held, NULL);
    assert_true(lock >= 0);
    stage_runs(stage, 0, WORDS("gc"));
    stage_says(stage, "lives and does not answer: apphost down -p shop");
    close(lock);
    state_close(held);
}

static void nothing_dead_is_nothing_to_do(void **state)
{
    struct stage *stage = *state;
    file_remove_tree("state", NULL);
    stage_runs(stage, 0, WORDS("gc"));
    stage_says(stage, "no dead session has left anything");
    stage_runs(stage, 0, WORDS("gc", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_int_equal(json_count(json_get(json, "removed")), 0);
    assert_non_null(json_get(json, "removed"));
}

/* Of the stage's project only data is left, and which manifest it was of. */
static char *leave_a_volume(const struct stage *stage, const char *folder)
{
    char *volume = in_state(stage, "volumes/cache-data");
    cleanup_free char *manifest = xasprintf("%s/apphost.yaml", folder);
    cleanup_free char *session = in_state(stage, "session.json"), *lock = in_state(stage, "lock");
    assert_int_equal(unlink(session), 0);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(file_mkdirs(volume, 0700, NULL), 0);
    put(stage, "manifest", manifest);
    return volume;
}

/* The project's folder is not there any more: its data belongs to nobody. */
static void volumes_of_a_folder_that_is_gone(void **state)
{
    struct stage *stage = *state;
    cleanup_free char *volume = leave_a_volume(stage, "/nowhere/shop");
    cleanup_free char *told = xasprintf("folder %s of shop (/nowhere/shop/apphost.yaml is gone)\n", volume);
    cleanup_free char *would = xasprintf("would remove %s", told), *did = xasprintf("removed %s", told);
    stage_runs(stage, 0, WORDS("gc", "--volumes", "--engine", "native", "--dry-run", "-p", "other"));
    stage_says(stage, "no volume's folder has vanished");
    stage_runs(stage, 0, WORDS("gc", "--volumes", "--engine", "native", "--dry-run"));
    stage_prints(stage, would);
    stage_runs(stage, 2, WORDS("gc", "--volumes", "--engine", "native"));
    stage_says(stage, "gc --volumes removes the data of 1 vanished volumes");
    assert_true(file_is_dir(volume));

    stage_runs(stage, 0, WORDS("gc", "--volumes", "--engine", "native", "-y"));
    stage_prints(stage, did);
    assert_false(file_is_dir(volume));
}

static void volumes_of_a_folder_that_is_there_stay(void **state)
{
    struct stage *stage = *state;
    cleanup_free char *volume = leave_a_volume(stage, stage->folder);
    stage_file("apphost.yaml", "name: shop\nresources: {a: redis}\n");
    stage_runs(stage, 0, WORDS("gc", "--volumes", "--engine", "native", "-y"));
    stage_says(stage, "no volume's folder has vanished");
    assert_true(file_is_dir(volume));
}

/* ---- init ---- */

static void init_is_shown_before_it_is_written(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("init", "--dry-run", "--schema"));
    stage_prints(stage, "# yaml-language-server: $schema=./apphost.schema.json\n# What `apphost up` starts.");
    stage_prints(stage, "resources:\n");
    stage_says(stage, "would write apphost.schema.json");
    assert_false(file_exists("apphost.yaml") || file_exists("apphost.schema.json"));

    stage_runs(stage, 0, WORDS("init", "--schema"));
    stage_says(stage, "wrote apphost.schema.json");
    stage_says(stage, "wrote apphost.yaml; next: apphost up");
    assert_true(file_exists("apphost.schema.json"));
}

static void a_schema_is_added_to_a_manifest(void **state)
{
    struct stage *stage = *state;
    stage_file("apphost.yml", "resources: {a: redis}\n");
    stage_runs(stage, 1, WORDS("init"));
    stage_says(stage, "init would write an apphost.yaml, and apphost.yml is there already");
    stage_says(stage, "`apphost init --schema` writes only the schema");
    stage_runs(stage, 0, WORDS("init", "--schema"));
    stage_says(stage, "editors find it by a first line of apphost.yml: # yaml-language-server: "
                      "$schema=./apphost.schema.json");
    assert_false(file_exists("apphost.yaml"));
    stage_file("compose.yaml", "services: {web: {image: 'nginx:1'}}\n");
    stage_runs(stage, 1, WORDS("init", "--schema", "--from", "compose.yaml"));
    stage_says(stage, "apphost.yml is there already");
}

static void a_compose_file_is_taken_over(void **state)
{
    struct stage *stage = *state;
    stage_file("compose.yaml", "services:\n  web: {image: 'nginx:1'}\n  api: {build: .}\n");
    stage_runs(stage, 0, WORDS("init", "--from", "compose.yaml"));
    stage_says(stage, "1 service has to be built: sketched in comments, as a process");
    cleanup_free char *text = file_read("apphost.yaml", 1 << 16, NULL, NULL);
    assert_non_null(strstr(text, "  web:\n    type: container\n    image: nginx:1\n"));
    unlink("apphost.yaml");
    stage_runs(stage, 1, WORDS("init", "--from", "none.yaml"));
    stage_says(stage, "cannot open none.yaml: No such file or directory");
    assert_false(file_exists("apphost.yaml"));
}

/* ---- dashboard ---- */

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Until it is closed a page seems to be served on port 4711. */
static int hold_page(struct stage *stage)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cleanup_free char *path = in_state(stage, "dashboard.lock");
    stage_file("apphost.yaml", "name: shop\nresources: {a: {type: process, command: [sleep, '1']}}\n");
    put(stage, "dashboard.json", "{\"pid\":1,\"port\":4711,\"startedMs\":1}");
    put(stage, "dashboard.token", TOKEN);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

static void options_that_do_not_go_together(void **state)
{
    static const struct {
        const char *words[6], *wanted;
    } rows[] = {
        {{"dashboard", "--url", "--open"}, "--url goes with no other option"},
        {{"dashboard", "--url", "--stop"}, "--url goes with no other option"},
        {{"dashboard", "--stop", "--port", "80"}, "--stop goes with no other option"},
        {{"dashboard", "--stop", "--allow-host", "x"}, "--stop goes with no other option"},
        {{"dashboard", "--port", "65536"}, "--port wants a number up to 65535"},
        {{"dashboard", "--port", "some"}, "--port"},
        {{"__dashboard"}, "__dashboard wants --folder"},
    };
    struct stage *stage = *state;
    stage_file("apphost.yaml", "name: shop\nresources: {a: {type: process, command: [sleep, '1']}}\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage_runs(stage, 2, rows[i].words);
        stage_says(stage, rows[i].wanted);
    }
}

static void without_a_page_there_is_no_address(void **state)
{
    struct stage *stage = *state;
    close(hold_page(stage)); /* what it wrote is still there */
    stage_runs(stage, 10, WORDS("dashboard", "--url"));
    stage_says(stage, "no dashboard runs for this project");
    stage_says(stage, "apphost dashboard starts it");
    stage_runs(stage, 10, WORDS("dashboard", "--stop"));
    stage_says(stage, "no dashboard runs for this project");
}

static void a_page_has_an_address_with_its_token(void **state)
{
    struct stage *stage = *state;
    int page = hold_page(stage);
    stage_runs(stage, 0, WORDS("dashboard", "--url"));
    assert_string_equal(strbuf_text(&stage->out), "http://shop.localhost:4711/#t=" TOKEN "\n");
    stage_runs(stage, 0, WORDS("dashboard", "--port", "4711")); /* it is there */
    assert_string_equal(strbuf_text(&stage->out), "http://shop.localhost:4711/#t=" TOKEN "\n");

    stage_runs(stage, 2, WORDS("dashboard", "--port", "4712"));
    stage_says(stage, "the dashboard runs already, on port 4711");
    stage_says(stage, "apphost dashboard --stop, then start it with these options");
    stage_runs(stage, 2, WORDS("dashboard", "--allow-host", "proxy.example"));
    stage_says(stage, "the dashboard runs already, on port 4711");

    put(stage, "dashboard.token", "no token");
    stage_runs(stage, 1, WORDS("dashboard", "--url"));
    stage_says(stage, "holds no token");
    close(page);
}

/* The browser gets an address that is good for one login, and the lasting token is in none of its words. */
static void a_browser_is_logged_in_once(void **state)
{
    static const struct timespec pause = {.tv_nsec = 20000000};
    struct stage *stage = *state;
    int page = hold_page(stage);
    char *url = NULL;
    stage_program("xdg-open", "cd \"$HOME\"; printf %s \"$1\" >opened.new; mv opened.new opened\n");
    stage_runs(stage, 0, WORDS("dashboard", "--open"));
    assert_string_equal(strbuf_text(&stage->out), "");
    for (int i = 0; !url && i < 500; i++) {
        url = file_read("opened", 4096, NULL, NULL);
        nanosleep(&pause, NULL);
    }
    assert_non_null(url);
    assert_true(str_starts(url, "http://shop.localhost:4711/#t="));
    assert_null(strstr(url, TOKEN));
    free(url);
    close(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dead_session_is_named),
        TEST(a_session_that_is_just_dying_is_waited_for),
        TEST(a_supervisor_that_stays_silent_is_named),
        TEST(nothing_dead_is_nothing_to_do),
        TEST(volumes_of_a_folder_that_is_gone),
        TEST(volumes_of_a_folder_that_is_there_stay),
        TEST(init_is_shown_before_it_is_written),
        TEST(a_schema_is_added_to_a_manifest),
        TEST(a_compose_file_is_taken_over),
        TEST(options_that_do_not_go_together),
        TEST(without_a_page_there_is_no_address),
        TEST(a_page_has_an_address_with_its_token),
        TEST(a_browser_is_logged_in_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
