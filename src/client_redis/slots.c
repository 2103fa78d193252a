/* Slots, keys of commands, redirections. */
#include "client_redis/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* CRC16/XMODEM, four bits at a time. */
static unsigned crc16(const unsigned char *data, size_t len)
{
    static const uint16_t table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
    };
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc = ((crc << 4) ^ table[((crc >> 12) ^ (data[i] >> 4)) & 15]) & 0xffff;
        crc = ((crc << 4) ^ table[((crc >> 12) ^ data[i]) & 15]) & 0xffff;
    }
    return crc;
}

int slot_of_key(const void *key, size_t len)
{
    const char *text = key, *open = len > 0 ? memchr(text, '{', len) : NULL;

    if (open) {
        size_t rest = len - (size_t)(open + 1 - text);
        const char *close = rest > 0 ? memchr(open + 1, '}', rest) : NULL;

        if (close && close > open + 1) {
            text = open + 1;
            len = (size_t)(close - text);
        }
    }
    return (int)(crc16((const unsigned char *)text, len) % SLOTS);
}

/* ---- The first key of a command ---- */

static bool is_word(const struct conn_command *command, size_t i, const char *word)
{
    size_t len = strlen(word);

    return i < command->argc && conn_command_length(command, i) == len &&
           strncasecmp(command->argv[i], word, len) == 0;
}

/* Commands without a key; what is not here and not below has it in the first place. */
static const char *const keyless[] = {
    "ACL",       "ASKING",    "AUTH",   "BGREWRITEAOF", "BGSAVE",  "CLIENT",   "CLUSTER",   "COMMAND",
    "CONFIG",    "DBSIZE",    "DEBUG",  "DISCARD",      "ECHO",    "EXEC",     "FAILOVER",  "FLUSHALL",
    "FLUSHDB",   "FUNCTION",  "HELLO",  "INFO",         "KEYS",    "LASTSAVE", "LATENCY",   "LOLWUT",
    "MODULE",    "MULTI",     "PING",   "PSUBSCRIBE",   "PUBLISH", "PUBSUB",   "RANDOMKEY", "READONLY",
    "READWRITE", "REPLICAOF", "ROLE",   "SAVE",         "SCAN",    "SCRIPT",   "SELECT",    "SHUTDOWN",
    "SLOWLOG",   "SUBSCRIBE", "SWAPDB", "TIME",         "UNWATCH", "WAIT",     "WAITAOF",
};

/* Where the key stands otherwise: at a place, or after a number of keys that may be zero, or after a word. */
static const struct {
    const char *command;
    size_t at;
    bool is_counted;
    const char *after;
} places[] = {
    {"OBJECT", 2, false, NULL},     {"MEMORY", 2, false, NULL},
    {"XINFO", 2, false, NULL},      {"XGROUP", 2, false, NULL},
    {"BITOP", 2, false, NULL},      {"EVAL", 3, true, NULL},
    {"EVALSHA", 3, true, NULL},     {"EVAL_RO", 3, true, NULL},
    {"EVALSHA_RO", 3, true, NULL},  {"FCALL", 3, true, NULL},
    {"FCALL_RO", 3, true, NULL},    {"ZUNION", 2, true, NULL},
    {"ZINTER", 2, true, NULL},      {"ZDIFF", 2, true, NULL},
    {"ZINTERCARD", 2, true, NULL},  {"SINTERCARD", 2, true, NULL},
    {"LMPOP", 2, true, NULL},       {"ZMPOP", 2, true, NULL},
    {"BLMPOP", 3, true, NULL},      {"BZMPOP", 3, true, NULL},
    {"XREAD", 0, false, "STREAMS"}, {"XREADGROUP", 0, false, "STREAMS"},
    {"MIGRATE", 3, false, NULL},
};

static size_t find_after(const struct conn_command *command, const char *word)
{
    for (size_t i = 1; i < command->argc; i++)
        if (is_word(command, i, word))
            return i + 1;
    return 0;
}

/* Where it stands, 0 for nowhere. */
static size_t key_place(const struct conn_command *command)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!is_word(command, 0, places[i].command))
            continue;
        if (places[i].after)
            return find_after(command, places[i].after);
        if (places[i].is_counted && is_word(command, places[i].at - 1, "0"))
            return 0;
        return places[i].at;
    }
    for (size_t i = 0; i < sizeof(keyless) / sizeof(keyless[0]); i++)
        if (is_word(command, 0, keyless[i]))
            return 0;
    return 1;
}

int slot_of_command(const struct conn_command *command)
{
    size_t at = key_place(command);

    if (at == 0 || at >= command->argc)
        return SLOT_ANY;
    return slot_of_key(command->argv[at], conn_command_length(command, at));
}

/* ---- Redirections ---- */

int redirection_parse(const char *text, struct redirection *out)
{
    char address[264];
    int end = 0;

    out->is_ask = strncmp(text, "ASK ", 4) == 0;
    if (!out->is_ask && strncmp(text, "MOVED ", 6) != 0)
        return -1;
    if (sscanf(strchr(text, ' '), " %d %263s%n", &out->slot, address, &end) < 2 || out->slot < 0 ||
        out->slot >= SLOTS)
        return -1;
    char *colon = strrchr(address, ':');
    if (!colon || colon - address >= (ptrdiff_t)sizeof(out->host))
        return -1;
    memcpy(out->host, address, (size_t)(colon - address));
    out->host[colon - address] = '\0';
    out->port = atoi(colon + 1);
    return out->port > 0 && out->port < 65536 ? 0 : -1;
}
