/* A deployment made by hand, piece by piece, and what a writer makes of it: for the tests of the writers.
 *
 * Texts live as long as the application; what is published stays in memory until application_write(). */
#ifndef TESTS_PUBLISH_APPLICATION_H
#define TESTS_PUBLISH_APPLICATION_H

#include "publish/publish.h"

enum { APPLICATION_SERVICES = 8, APPLICATION_PARTS = 6 };

struct application {
    struct deployment d;
    struct deployment_service services[APPLICATION_SERVICES];
    struct deployment_secret secrets[APPLICATION_PARTS];
    struct deployment_volume volumes[APPLICATION_PARTS];
    char folder[64]; /* of files; removed at the end */
    struct publish_files files;
    struct error error;
};

/* For cmocka: *state is an application without services, with a settled key and a folder. */
int application_setup(void **state);
int application_teardown(void **state);

/* A service that another engine runs, with nothing but an image; a server with a password, a configuration
 * file and data in a volume "NAME-data". */
struct deployment_service *application_add(struct application *a, const char *name, const char *image);
struct deployment_service *application_add_server(struct application *a, const char *name, const char *value);
/* A secret by its name; the value is copied. */
struct deployment_secret *application_add_secret(struct application *a, const char *name, const char *value);
struct deployment_mount *application_add_mount(struct application *a, struct deployment_service *s,
                                               const char *volume, const char *target);
struct deployment_port *application_add_port(struct application *a, struct deployment_service *s,
                                             const char *name, int inside);
struct deployment_file *application_add_file(struct application *a, struct deployment_service *s,
                                             const char *file, struct plan_text text);
void application_add_variable(struct application *a, struct deployment_service *s, const char *name,
                              struct plan_text value);
void application_add_need(struct application *a, struct deployment_service *s, const char *name,
                          enum plan_until until);
void application_set_command(struct application *a, struct deployment_service *s, const char *word);

/* "literal", then the secret as the filter has it; secret NULL: the literal alone. */
struct plan_text application_text(struct application *a, const char *literal, const char *secret,
                                  enum plan_filter filter);

typedef int application_writer(struct publish_files *files, const struct deployment *d, struct error *err);
/* What was published before is forgotten, files in the folder stay. */
int application_publish(struct application *a, application_writer *writer);
/* Publishes, which has to succeed, and writes. */
void application_write(struct application *a, application_writer *writer);
/* A file as it was published, or fails. */
const char *application_file(const struct application *a, const char *name);
/* As it is in the folder. The caller frees. */
char *application_read(const struct application *a, const char *name);
void application_put(const struct application *a, const char *name, const char *text);
/* The line `head` of a text, and what is indented below it. The caller frees. */
char *application_block(const char *text, const char *head);

/* Fails, and shows the text, when the part is not in it (or is). */
void assert_has(const char *text, const char *part);
void assert_lacks(const char *text, const char *part);

#endif
