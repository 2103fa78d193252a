/* Who may come in: everything that the head of a request alone decides.
 *
 * A page that some other site shows must not be able to speak to us, nor a name that leads to us by DNS: so
 * the Host is one of those that we are called by, an Origin is our own, Sec-Fetch-Site is our own page's,
 * what changes something comes as JSON (which no form can send) and is not larger than we take. Pure.
 *
 * Not decided here: whose the token or cookie is (keys.h). */
#ifndef WEB_DOOR_H
#define WEB_DOOR_H

#include "web/head.h"

#include "base/str.h"

struct web_policy {
    struct strlist hosts; /* names that we are asked by, without a port */
    struct strlist
        guests;         /* likewise, by the user's flag: their Origin may be https, and the Host a proxy's */
    int64_t body_limit; /* bytes */
    int64_t bodies_limit; /* of all that are coming at the same time; 0: as many as there are connections */
    const char *const *types; /* of bodies, static, NULL-terminated; NULL: application/json alone */
};

struct web_verdict {
    int status; /* 0: come in */
    const char *code;
    const char *text, *hint; /* static; hint may be NULL */
};

struct web_verdict web_judge(const struct web_head *head, const struct web_policy *policy);
/* The request changes something. */
bool web_is_change(const struct web_head *head);
/* Its Content-Type is that, whatever parameters follow. */
bool web_is_type(const struct web_head *head, const char *type);
/* The port that the Host has, as the client sees us; 80 where none is said. */
int web_host_port(const struct web_head *head);

#endif
