/* room: client */
/* Any text as a server's redirection, and any words (separated by NULs) as a command that is looked at for
 * its key: what is found is a slot, a host and a port that exist. */
#include "client_redis/slots.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_WORDS = 16 };

static void read_redirection(const char *text)
{
    struct redirection redirection;

    if (redirection_parse(text, &redirection) < 0)
        return;
    if (redirection.slot < 0 || redirection.slot >= SLOTS || redirection.port < 1 ||
        redirection.port > 65535 || !memchr(redirection.host, '\0', sizeof redirection.host))
        abort();
}

static void check_slot(int slot)
{
    if (slot != SLOT_ANY && (slot < 0 || slot >= SLOTS))
        abort();
}

static void read_command(const char *text, size_t size)
{
    const char *argv[MOST_WORDS];
    size_t lens[MOST_WORDS];
    struct conn_command command = {.argv = argv, .lens = lens};

    for (size_t at = 0; at < size && command.argc < MOST_WORDS; at += lens[command.argc++] + 1) {
        argv[command.argc] = text + at;
        lens[command.argc] = strlen(text + at);
    }
    if (command.argc == 0)
        return;
    check_slot(slot_of_command(&command));
    command.lens = NULL;
    check_slot(slot_of_command(&command));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    read_redirection(text);
    check_slot(slot_of_key(data, size));
    read_command(text, size);
    free(text);
    return 0;
}
