/*
 * apphost/error.h - what went wrong, as a value.
 *
 * Every call of the library that can fail takes a `struct apphost_error *` last. It may be NULL. It is
 * written only on failure; on success it stays as it was. Nothing in the library aborts, exits, prints or
 * raises a signal.
 */
#ifndef APPHOST_ERROR_H
#define APPHOST_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum apphost_code {
    APPHOST_OK = 0,
    APPHOST_E_ARGUMENT, /* the caller's value: `parameter` names it */
    APPHOST_E_MEMORY,   /* out of memory */
    APPHOST_E_CONFIG,   /* configuration: a malformed file, a value of the wrong type, no endpoint */
    APPHOST_E_CONNECT,  /* no connection, or it was lost while the command was under way */
    APPHOST_E_AUTH,     /* the server refused user or password */
    APPHOST_E_TLS,      /* no agreement on TLS, or a certificate that does not verify */
    APPHOST_E_TIMEOUT,  /* no answer within the time allowed; the command may have been executed */
    APPHOST_E_BUSY,     /* the bounded backlog is full */
    APPHOST_E_SERVER, /* the server answered with an error: `parameter` is its first word, as in WRONGTYPE */
    APPHOST_E_PROTOCOL,    /* the peer does not speak RESP, or answers something that makes no sense */
    APPHOST_E_UNSUPPORTED, /* known, and not done here: blocking commands, keys of several slots, ... */
    APPHOST_E_CLOSED,      /* the object was closed */
    APPHOST_E_OPEN,        /* the circuit breaker is open: nothing was tried */
    APPHOST_E_CANCELLED,   /* cancelled by its caller */
};

struct apphost_error {
    enum apphost_code code;
    char parameter[64]; /* the argument, option key or server error word at fault; may be "" */
    char text[448];     /* one sentence for a human, without secrets */
};

/* "timeout", "connect", ...: stable, for logs and metrics. Never NULL. */
const char *apphost_code_name(enum apphost_code code);

/* The version of the library that is loaded, as "0.1.0". */
const char *apphost_version(void);

#ifdef __cplusplus
}
#endif
#endif
