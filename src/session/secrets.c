/* Which values are secret. See secrets.h. */
#include "session/secrets.h"

#include "base/file.h"
#include "base/mem.h"
#include "process/process.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 64 << 20 };

static void add_values(struct scrub *scrub, const cJSON *values)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, values)
    {
        if (cJSON_IsString(value))
            scrub_add(scrub, value->valuestring);
    }
}

int secrets_ask(struct client *client, struct limit limit, struct scrub *scrub, struct error *err)
{
    cleanup_json cJSON *answer = NULL;
    struct answer_secrets known = {0};
    struct arena arena = {0};
    int failed = client_call(client, ASK_SECRETS, NULL, limit, &answer, err);
    if (!failed)
        failed = record_read(&answer_secrets_record, answer, &arena, &known, err);
    if (!failed)
        add_values(scrub, known.secrets);
    arena_free(&arena);
    return failed;
}

void secrets_remembered(const char *folder, struct scrub *scrub)
{
    if (!folder)
        return;
    cleanup_free char *path = path_join(folder, "secrets.json");
    size_t length = 0;
    char *text = file_read_own(path, FILE_LIMIT, &length, NULL);

    if (!text)
        return;
    cleanup_json cJSON *values = json_parse(text, length, NULL);
    add_values(scrub, values);
    mem_wipe(text, length);
    free(text);
}

void secrets_of_plan(const struct plan *plan, struct scrub *scrub)
{
    for (size_t i = 0; plan && i < plan->secret_count; i++) {
        if (plan->secrets[i].secret)
            scrub_add(scrub, plan->secrets[i].value);
    }
}

void secrets_of_environment(char *const *environment, struct scrub *scrub)
{
    for (char *const *entry = environment; *entry; entry++) {
        const char *value = strchr(*entry, '=');
        if (value && !process_inherits(*entry) && strstr(*entry, "PARAM"))
            scrub_add(scrub, value + 1);
    }
}
