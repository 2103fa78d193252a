/* See place.h. */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option no_options[] = {{.name = NULL}};
static const struct option up_options[] = {{.name = "adopt", .type = OPTION_TEXT, .value = "HASH"},
                                           {.name = NULL}};
static const struct command ps = {.name = "ps", .options = no_options, .most = -1};
static const struct command up = {.name = "up", .options = up_options, .most = -1};
static const struct command *const list[] = {&ps, &up, NULL};
static const struct commands commands = {.list = list};

void place_manifest(struct place *place, const char *name, const char *text)
{
    cleanup_free char *folder = path_join(place->folder, name), *file = path_join(folder, "apphost.yaml");
    assert_int_equal(file_mkdirs(folder, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(file, text, strlen(text), 0644, NULL), 0);
}

void place_enter(struct place *place, const char *name)
{
    cleanup_free char *folder = path_join(place->folder, name);
    assert_int_equal(file_mkdirs(folder, 0755, NULL), 0);
    assert_int_equal(chdir(folder), 0);
}

int place_open(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/apphost-project-%s%s",
             "XX"
             "X",
             "XX"
             "X");
    if (!getcwd(place->before, sizeof place->before) || !mkdtemp(place->folder))
        return -1;
    place->root = xasprintf("%s/state/apphost", place->folder);
    strlist_addf(&place->environment, "XDG_STATE_HOME=%s/state", place->folder);
    strlist_addf(&place->environment, "HOME=%s", place->folder);
    strlist_add(&place->environment, "PATH=/usr/bin:/bin");
    strlist_add(&place->environment, "DOCKER_HOST=unix:///nowhere/docker.sock");
    place->options.environment = place->environment.items;
    place->options.args = &place->args;
    place_manifest(place, "shop", "name: shop\nresources:\n  cache: redis\n");
    place_enter(place, "shop");
    *state = place;
    return 0;
}

static void forget(struct place *place)
{
    project_free(&place->project);
    error_clear(&place->error);
    args_free(&place->args);
    place->args = (struct args){0};
}

int place_close(void **state)
{
    struct place *place = *state;
    forget(place);
    int rc = chdir(place->before);
    file_remove_tree(place->folder, NULL);
    strlist_free(&place->environment);
    free(place->root);
    free(place);
    return rc;
}

void place_say(struct place *place, const char *const *words)
{
    char *line[32] = {(char *)"apphost"};
    int count = 1;
    bool has_verb = words[0] && strcmp(words[0], "up") == 0;
    forget(place);
    if (!has_verb)
        line[count++] = (char *)"ps";
    for (; *words; words++)
        line[count++] = (char *)*words;
    place->options.environment = place->environment.items;
    if (args_parse(&place->args, &commands, count, line, place->environment.items, &place->error))
        fail_msg("%s", place->error.text);
}

int place_identify(struct place *place, const char *const *words)
{
    place_say(place, words);
    return project_identify(&place->project, &place->options, &place->error);
}

int place_load(struct place *place, const char *const *words)
{
    place_say(place, words);
    return project_load(&place->project, &place->options, &place->error);
}

int place_state(struct place *place, const char *name, const char *hash, const char *manifest,
                enum place_session session)
{
    cleanup_free char *prefix = identity_prefix(name, hash), *folder = state_folder(place->root, prefix);
    cleanup_free char *path = xasprintf("%s/%s", place->folder, manifest);
    struct state *state = state_open(folder, true, NULL);
    assert_non_null(state);
    struct state_session record = {.id = (char *)"0123456789abcdef",
                                   .socket = (char *)"/nowhere",
                                   .manifest = path,
                                   .project = (char *)name,
                                   .hash = (char *)hash};
    assert_int_equal(state_session_write(state, &record, NULL), 0);
    if (session == PLACE_OVER)
        assert_int_equal(state_session_remove(state, NULL), 0);
    int lock = session == PLACE_RUNS ? state_lock(state, NULL) : -1;
    state_close(state);
    return lock;
}
