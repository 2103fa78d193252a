/* What the tests of this room share: a loop with a server in a folder of its own. */
#ifndef WORLD_H
#define WORLD_H

#include "control/control.h"

struct world {
    struct loop loop;
    char *folder, *path;
    struct control_server *server;
    struct control_client *last_client;
    int requests, gone, closed;
};

int world_open(void **state);
int world_close(void **state);
/* Runs the loop until the counter has reached the value. */
void world_until(struct world *world, const int *counter, int value);
/* A raw blocking socket, connected. */
int world_connect(struct world *world);
bool world_send(struct world *world, int fd, const char *text, size_t length);
char *world_read(struct world *world, int fd, const char *until);

#endif
