/* A model made by hand, resource by resource, and the deployment it is lowered to. */
#ifndef TESTS_DEPLOYMENT_APP_H
#define TESTS_DEPLOYMENT_APP_H

#include "deployment/deployment.h"
#include "base/str.h"

enum { APP_RESOURCES = 6, APP_LINES = 10 };

struct app {
    struct model model;
    struct model_resource resources[APP_RESOURCES];
    struct deployment_options options;
    struct deployment *d;
    struct error *problems;
    size_t problem_count;
    struct strlist kept;           /* what the store has */
    struct deployment_store store; /* for app_settle() */
};

/* For cmocka: *state is an application without resources. */
int app_setup(void **state);
int app_teardown(void **state);

/* Complete as its kind needs it, and nothing more. The first stands at line 10, the next at line 20, … */
struct model_resource *app_add(struct app *app, const char *name, enum model_kind kind);
/* What `of` refers to; its items are the arena's. */
struct model_reference *app_refer(struct app *app, struct model_resource *of, const char *to);
struct model_wait *app_wait(struct app *app, struct model_resource *of, const char *for_whom,
                            enum model_until until);
struct model_endpoint *app_endpoint(struct app *app, struct model_resource *of, const char *name);
/* A text of one part: as it is, or one that is looked up. */
struct model_text app_text(struct app *app, const char *literal);
struct model_text app_part(struct app *app, enum model_get get, const char *name);
void app_variable(struct app *app, struct model_resource *of, const char *name, struct model_text value);

/* NULL: there are problems. What was lowered before is gone. */
struct deployment *app_lower(struct app *app, enum deployment_target target);
/* Lowers, which has to succeed, and settles. */
void app_settle(struct app *app, enum deployment_target target);
const struct deployment_service *app_find(const struct app *app, const char *name);
/* A variable of a service, or the text of a file, resolved; NULL: there is none. The caller frees. */
char *app_value(const struct app *app, const char *service, const char *variable);
char *app_content(const struct app *app, const char *service, const char *file);

/* The problem or note that says so, or NULL. */
const struct error *app_problem(const struct app *app, const char *text);
const struct error *app_note(const struct app *app, const char *text);
/* Lowering has to fail with that, there. */
void app_refuses(struct app *app, enum deployment_target target, const char *text, int line);

#endif
