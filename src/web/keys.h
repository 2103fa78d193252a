/* The token and what is derived from it: session cookies and one-time tickets.
 *
 * The token (64 hex digits) lies in a private file. A cookie or ticket is "<end in ms>.<nonce>.<seal>", all
 * hex: the seal is an HMAC over the rest and what it is for, so nothing has to be remembered for it to stay
 * valid over a restart. Pure, but for the random source.
 *
 * Nothing here prints or logs; comparisons take the same time whatever is wrong. */
#ifndef WEB_KEYS_H
#define WEB_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEB_TOKEN_SIZE = 65, WEB_SEALED_SIZE = 112, WEB_NONCE_SIZE = 17 };
enum web_purpose { WEB_COOKIE, WEB_TICKET, WEB_PURPOSE_COUNT };

void web_token_make(char out[WEB_TOKEN_SIZE]);
bool web_token_is(const char *text); /* has the form of one */
bool web_keys_equal(const char *a, const char *b);

void web_seal(const char *token, enum web_purpose purpose, int64_t end_ms, char out[WEB_SEALED_SIZE]);
/* nonce (may be NULL): which one it is, for those who take each only once. */
bool web_sealed(const char *token, enum web_purpose purpose, const char *text, int64_t now_ms,
                char nonce[WEB_NONCE_SIZE]);
/* The value of a cookie in a Cookie header; false: it is not there. */
bool web_cookie_find(const char *header, const char *name, char *out, size_t size);

#endif
