/* See fixture.h. */
#include "fixture.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fixture_open(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/apphost-manifest-%s%s",
             "XX"
             "X",
             "XX"
             "X");
    if (!getcwd(f->before, sizeof f->before) || !mkdtemp(f->folder) || chdir(f->folder) < 0)
        return -1;
    strlist_add(&f->options.files, "apphost.yaml");
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    manifest_free(f->model);
    f->model = NULL;
    manifest_problems_free(&f->problems);
    strbuf_free(&f->printed);
}

int fixture_close(void **state)
{
    struct fixture *f = *state;
    forget(f);
    strlist_free(&f->environment);
    strlist_free(&f->options.files);
    strlist_free(&f->options.env_files);
    strlist_free(&f->options.profiles);
    strlist_free(&f->options.parameters);
    int rc = chdir(f->before);
    file_remove_tree(f->folder, NULL);
    free(f);
    return rc;
}

void fixture_write(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(name, text, strlen(text), 0644, NULL), 0);
}

struct model *fixture_reload(struct fixture *f)
{
    forget(f);
    f->options.environment = f->environment.items;
    f->model = manifest_load(&f->options, &f->problems);
    manifest_problems_print(&f->problems, false, &f->printed);
    return f->model;
}

struct model *fixture_load(struct fixture *f, const char *text)
{
    fixture_write("apphost.yaml", text);
    return fixture_reload(f);
}

struct model *fixture_good(struct fixture *f, const char *text)
{
    if (!fixture_load(f, text))
        fail_msg("%s", strbuf_text(&f->printed));
    return f->model;
}

void fixture_bad(struct fixture *f, const char *text, const char *wanted)
{
    assert_null(fixture_load(f, text));
    assert_true(f->problems.errors > 0);
    if (!strstr(strbuf_text(&f->printed), wanted))
        fail_msg("wanted \"%s\" in:\n%s", wanted, strbuf_text(&f->printed));
}

const char *fixture_text(const struct model_text *text)
{
    static const char *const gets[] = {[MODEL_GET_HOST] = "host",
                                       [MODEL_GET_PORT] = "port",
                                       [MODEL_GET_PASSWORD] = "password",
                                       [MODEL_GET_URI] = "uri",
                                       [MODEL_GET_CONNECTION_STRING] = "connection_string",
                                       [MODEL_GET_CA_FILE] = "ca_file",
                                       [MODEL_GET_URL] = "url",
                                       [MODEL_GET_USER] = "user",
                                       [MODEL_GET_PARAMETER] = "parameter"};
    EACH_OF(gets, MODEL_GET_COUNT);
    static char shown[1024];
    shown[0] = '\0';
    for (size_t i = 0; i < text->count; i++) {
        const struct model_part *part = &text->parts[i];
        size_t at = strlen(shown);
        if (part->literal)
            snprintf(shown + at, sizeof shown - at, "%s", part->literal);
        else
            snprintf(shown + at, sizeof shown - at, "<%s%s%s.%s>", part->resource, part->endpoint ? "." : "",
                     part->endpoint ? part->endpoint : "", gets[part->get]);
    }
    return shown;
}

const char *fixture_variable(const struct model_resource *resource, const char *name)
{
    const struct model_variable *found = NULL;
    for (size_t i = 0; i < resource->environment_count; i++)
        if (strcmp(resource->environment[i].name, name) == 0)
            found = &resource->environment[i];
    return found ? fixture_text(&found->value) : NULL;
}
