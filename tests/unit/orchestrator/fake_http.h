/* Between the transport of the fake engine and its world: see fake.h. */
#ifndef TESTS_ORCHESTRATOR_FAKE_HTTP_H
#define TESTS_ORCHESTRATOR_FAKE_HTTP_H

#include "fake.h"

#include <utlist.h>

struct fake_call {
    struct fake *fake;
    struct http_handlers handlers;
    char *method, *path, *query; /* path without the version, decoded parts apart */
    cJSON *body;
    struct timer timer, limit;
    bool effected, is_lost, is_events, is_follow, opened;
    char follows[65];
    int status;
    char *answer;
    struct fake_call *prev, *next;
};

/* The effect of a call: sets status and answer. */
void fake_serve(struct fake_call *call);
void fake_reply(struct fake_call *call, int status, cJSON *json); /* takes json */
void fake_message(struct fake_call *call, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* To every open event stream. */
void fake_publish(struct fake *fake, const char *type, const char *action, const char *id,
                  const cJSON *attributes);
/* Ends the followed logs of a container. */
void fake_end_follows(struct fake *fake, const char *id);
/* Shared by the files of the world. */
char *fake_decode(const char *text, size_t length); /* the caller frees */
bool fake_matches(const cJSON *labels, const char *filters);
void fake_make_id(struct fake *fake, char id[65]);
struct fake_object *fake_find_object(struct fake_object *list, const char *name);
struct fake_object *fake_add_object(struct fake_object **list, const char *id, const char *name,
                                    const cJSON *labels);
void fake_free_object(struct fake_object **list, struct fake_object *object);
bool fake_has_image(const struct fake *fake, const char *name);
cJSON *fake_list_objects(struct fake_call *call, const struct fake_object *list);
void fake_serve_network(struct fake_call *call, char *rest);
void fake_serve_volume(struct fake_call *call, const char *rest);
void fake_serve_image(struct fake_call *call, const char *rest);
/* The decoded value of a parameter, or NULL; the caller frees. */
char *fake_parameter(const struct fake_call *call, const char *name);

#endif
