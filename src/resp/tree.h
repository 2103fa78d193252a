/* Inside resp/ only: what the reader and the reply code share. */
#ifndef RESP_TREE_H
#define RESP_TREE_H

#include "resp/resp.h"

enum { RESP_MAX_DEPTH = 128 };

/* Frees what a node holds, not the node. */
void resp_tree_clear(struct resp_reply *node);

#endif
