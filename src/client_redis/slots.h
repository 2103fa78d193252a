/*
 * Inside the library: which slot of a cluster a command belongs to. Pure functions.
 *
 * A slot is the CRC16 of the key, or of what stands between its first braces (a hash tag), modulo 16384.
 */
#ifndef CLIENT_REDIS_SLOTS_H
#define CLIENT_REDIS_SLOTS_H

#include "client_conn/conn.h"

enum { SLOTS = 16384, SLOT_ANY = -1 };

int slot_of_key(const void *key, size_t len);

/* SLOT_ANY for a command that has no key. Of several keys the first decides. */
int slot_of_command(const struct conn_command *command);

/* A redirection, "MOVED 3999 127.0.0.1:6381" or "ASK ...": 0 with its parts, -1 when it is none. An empty
 * host is the one that said so. */
struct redirection {
    bool is_ask;
    int slot, port;
    char host[256];
};
int redirection_parse(const char *text, struct redirection *out);

#endif
