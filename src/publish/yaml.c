/* JSON documents as YAML, by libyaml's emitter. Texts are plain where every reader takes them for texts,
 * literal blocks where they have lines, double-quoted elsewhere. */
#include "publish/publish.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static int append(void *data, unsigned char *bytes, size_t length)
{
    return strbuf_add(data, bytes, length);
}

/* Building in memory: what fails is memory, or our own nonsense. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int is_made)
{
    if (!is_made || !yaml_emitter_emit(emitter, event))
        abort();
}

/* What YAML 1.1 or 1.2 takes for a boolean, a null or a number, in any case. */
static bool is_a_word_of_yaml(const char *text)
{
    static const char *const words[] = {"true", "false", "yes",  "no",  "on", "off",
                                        "y",    "n",     "null", "inf", "nan"};
    if (strlen(text) > strlen("false"))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Asked of each text: strspn() would make its table each time. */
static bool is_plain(const char *text)
{
    bool begins = isalpha((unsigned char)text[0]) || text[0] == '/' || text[0] == '_';
    for (const unsigned char *p = (const unsigned char *)text; begins && *p; p++)
        begins = isalnum(*p) || strchr("_./-", *p);
    return begins && !is_a_word_of_yaml(text);
}

/* Lines of printable text; a block cannot begin with a blank, and keeps no other characters. */
static bool is_block(const char *text)
{
    if (!strchr(text, '\n') || text[0] == ' ' || text[0] == '\n')
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if ((*p < 0x20 && *p != '\n') || *p >= 0x7F || (*p == ' ' && p[1] == '\n'))
            return false;
    return true;
}

static void emit_text(yaml_emitter_t *emitter, const char *text)
{
    yaml_scalar_style_t style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    yaml_event_t event;
    if (is_plain(text))
        style = YAML_PLAIN_SCALAR_STYLE;
    else if (is_block(text))
        style = YAML_LITERAL_SCALAR_STYLE;
    emit(emitter, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)text, (int)strlen(text), 1, 1,
                                      style));
}

static void emit_plain(yaml_emitter_t *emitter, const char *text)
{
    yaml_event_t event;
    emit(emitter, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)text, (int)strlen(text), 1, 1,
                                      YAML_PLAIN_SCALAR_STYLE));
}

static void emit_value(yaml_emitter_t *emitter, const cJSON *value);

static void emit_list(yaml_emitter_t *emitter, const cJSON *list)
{
    yaml_sequence_style_t style = YAML_FLOW_SEQUENCE_STYLE;
    yaml_event_t event;
    const cJSON *item;
    if (list->child)
        style = YAML_BLOCK_SEQUENCE_STYLE;
    emit(emitter, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
    cJSON_ArrayForEach(item, list) emit_value(emitter, item);
    emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_map(yaml_emitter_t *emitter, const cJSON *map)
{
    yaml_mapping_style_t style = YAML_FLOW_MAPPING_STYLE;
    yaml_event_t event;
    const cJSON *item;
    if (map->child)
        style = YAML_BLOCK_MAPPING_STYLE;
    emit(emitter, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
    cJSON_ArrayForEach(item, map)
    {
        emit_text(emitter, item->string);
        emit_value(emitter, item);
    }
    emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static void emit_value(yaml_emitter_t *emitter, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        emit_text(emitter, value->valuestring);
    } else if (cJSON_IsArray(value)) {
        emit_list(emitter, value);
    } else if (cJSON_IsObject(value)) {
        emit_map(emitter, value);
    } else {
        cleanup_free char *text = json_print(value);
        emit_plain(emitter, text);
    }
}

/* A text that YAML cannot hold, with the name of the member that it is, or is in. Values of the environment
 * may be any bytes. */
static const char *find_no_text(const cJSON *value, const char *name)
{
    const cJSON *item;
    const char *found = NULL;
    if (value->string && !str_is_utf8(value->string, strlen(value->string)))
        return name;
    if (value->string)
        name = value->string;
    if (cJSON_IsString(value) && !str_is_utf8(value->valuestring, strlen(value->valuestring)))
        return name;
    cJSON_ArrayForEach(item, value)
    {
        if (!found)
            found = find_no_text(item, name);
    }
    return found;
}

static int check_texts(const cJSON *const *documents, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = find_no_text(documents[i], "a name");
        if (!name)
            continue;
        cleanup_free char *shown = str_printable(name);
        error_set(err, ERROR_MANIFEST, "the value of %s has bytes that are no text (UTF-8)", shown);
        error_hint(err, "what is published as YAML holds nothing else: encode it, as base64 for one");
        return -1;
    }
    return 0;
}

char *publish_yaml(const cJSON *const *documents, size_t count, struct error *err)
{
    if (check_texts(documents, count, err) < 0)
        return NULL;
    struct strbuf out = {0};
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (!yaml_emitter_initialize(&emitter))
        abort();
    yaml_emitter_set_output(&emitter, append, &out);
    yaml_emitter_set_width(&emitter, -1);
    yaml_emitter_set_unicode(&emitter, 1);

    emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    for (size_t i = 0; i < count; i++) {
        emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, count == 1));
        emit_value(&emitter, documents[i]);
        emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    }
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter);
    return strbuf_take(&out);
}
