/* Overrides: a later file over an earlier one.
 *
 * Maps merge key by key, lists and scalars replace, null deletes. A resource in its short form ("cache:
 * redis") stands for the map {type: redis}, so that an override can add a field to it; load.c spells those
 * out before it comes here. */
#include "manifest/loader.h"

#include <string.h>

struct slot {
    const char *text;
    size_t index;
    UT_hash_handle hh;
};

static struct slot *index_keys(struct loader *l, const struct yaml_node *map)
{
    struct slot *slots = NULL;
    for (size_t i = 0; i < map->count; i++) {
        struct slot *slot = arena_alloc(l->arena, sizeof *slot);
        *slot = (struct slot){.text = map->keys[i]->text, .index = i};
        HASH_ADD_KEYPTR(hh, slots, slot->text, strlen(slot->text), slot);
    }
    return slots;
}

static struct yaml_node *copy_map(struct loader *l, const struct yaml_node *map, size_t room)
{
    struct yaml_node *copy = arena_alloc(l->arena, sizeof *copy);
    *copy = *map;
    copy->keys = arena_grow(l->arena, map->keys, map->count, map->count + room, sizeof *map->keys);
    copy->items = arena_grow(l->arena, map->items, map->count, map->count + room, sizeof *map->items);
    return copy;
}

/* Takes out the keys whose value was deleted. */
static void close_gaps(struct yaml_node *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (!map->items[i])
            continue;
        map->keys[kept] = map->keys[i];
        map->items[kept++] = map->items[i];
    }
    map->count = kept;
}

static void merge_key(struct loader *l, struct yaml_node *into, struct slot *slots,
                      const struct yaml_node *over, size_t i)
{
    struct slot *slot = NULL;
    HASH_FIND_STR(slots, over->keys[i]->text, slot);
    if (!slot && manifest_is_null(over->items[i]))
        return;
    size_t at;
    if (slot)
        at = slot->index;
    else
        at = into->count++;

    if (!slot) {
        into->keys[at] = over->keys[i];
        into->items[at] = over->items[i];
        return;
    }
    into->keys[at] = over->keys[i];
    if (manifest_is_null(over->items[i]))
        into->items[at] = NULL;
    else
        into->items[at] = manifest_override(l, into->items[at], over->items[i]);
}

struct yaml_node *manifest_override(struct loader *l, struct yaml_node *base, struct yaml_node *over)
{
    if (base->kind != NODE_MAP || over->kind != NODE_MAP)
        return over;
    struct yaml_node *merged = copy_map(l, base, over->count);
    struct slot *slots = index_keys(l, base);
    for (size_t i = 0; i < over->count; i++)
        merge_key(l, merged, slots, over, i);
    HASH_CLEAR(hh, slots);
    close_gaps(merged);
    return merged;
}
