/* Inside resp/ only: what the reader and the reply code share. */
#ifndef RESP_TREE_H
#define RESP_TREE_H

#include "resp/resp.h"

enum { RESP_MAX_DEPTH = 128 };

/* Frees what a node holds, not the node. */
void resp_tree_clear(struct resp_reply *node);

/*
 * The next reply when it is a whole array of at most a few strings, nils and integers: the bytes it took,
 * with *reply one allocation; 0 when it is anything else.
 */
size_t resp_flat_take(const char *data, size_t len, const struct resp_limits *limits,
                      struct resp_reply **reply);

#endif
