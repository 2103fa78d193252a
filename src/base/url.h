/* A URL taken apart: scheme://[user[:password]@]host[:port][/path…].
 *
 * Nothing is decoded and nothing is copied: the pieces point into the text. What is written in brackets (an
 * IPv6 address) comes without them. */
#ifndef BASE_URL_H
#define BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url_piece {
    const char *at;
    size_t length; /* 0: not there */
};
struct url {
    struct url_piece scheme, user, password, host, port,
        path; /* path: from its slash, question mark or hash */
};

/* False when it has no scheme or no host. */
bool url_parse(struct url *url, const char *text);
/* The port that a scheme stands for: http, https, ws, wss; 0 for others. */
int url_default_port(const struct url *url);
bool url_scheme_is(const struct url *url, const char *scheme);
/* Is what it names reached through TLS? */
bool url_is_tls(const struct url *url);
/* The port's number, or the scheme's; 0: there is none, or it is no port. */
int url_port(const struct url *url);

#endif
