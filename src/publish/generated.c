/* What nobody gave: the values of secrets/values.generated.yaml, which the next one who publishes into the
 * folder reads back and goes on with. The file is ours, a Secret with `stringData`; what it is not is
 * passed over, and refused later as a file that was edited. */
#include "publish/publish.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const char *text_of(const yaml_node_t *node)
{
    if (node && node->type == YAML_SCALAR_NODE)
        return (const char *)node->data.scalar.value;
    return NULL;
}

static yaml_node_t *member(yaml_document_t *document, yaml_node_t *map, const char *name)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        const char *key = text_of(yaml_document_get_node(document, pair->key));
        if (key && strcmp(key, name) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

static void take_all(yaml_document_t *document, struct deployment *d)
{
    yaml_node_t *data = member(document, yaml_document_get_root_node(document), "stringData");
    const char *key = text_of(member(document, data, PUBLISH_KEY));
    if (key)
        deployment_take_key(d, key);
    for (size_t i = 0; i < d->secret_count; i++) {
        const char *value = text_of(member(document, data, d->secrets[i].name));
        if (value && *value)
            deployment_take(d, d->secrets[i].name, value);
    }
}

int publish_take_generated(struct publish_files *files, struct deployment *d, struct error *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    char *text = publish_read(files, PUBLISH_GENERATED);
    (void)err;
    if (!text)
        return 0;

    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    if (yaml_parser_load(&parser, &document)) {
        take_all(&document, d);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    mem_wipe(text, strlen(text));
    free(text);
    return 0;
}

cJSON *publish_generated(const struct deployment *d)
{
    cJSON *data = cJSON_CreateObject();
    for (size_t i = 0; i < d->secret_count; i++)
        if (d->secrets[i].is_generated)
            json_add_string(data, d->secrets[i].name, d->secrets[i].value);
    json_add_string(data, PUBLISH_KEY, d->key);
    return data;
}
