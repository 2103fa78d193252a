/* The program itself: how it was installed, and which libraries it works with. Those that it opens when it
 * needs them are opened, so that one which is missing is known before it is needed. */
#include "doctor/doctor.h"

#include "base/installed.h"
#include "base/mem.h"
#include "library/inventory.h"

/* "libcurl 7.88.1"; of those that tell no version, only the name. */
static void add_library(struct strbuf *text, const cJSON *library)
{
    const char *version = json_string(library, "version", NULL);
    strbuf_addf(text, ", %s", json_string(library, "name", ""));
    if (version)
        strbuf_addf(text, " %s", version);
}

static void add_missing(struct doctor *doctor, const cJSON *library)
{
    doctor_add(doctor, DOCTOR_WARNING, json_string(library, "error", ""), json_string(library, "fix", NULL));
}

void doctor_check_program(struct doctor *doctor)
{
    cleanup_json cJSON *libraries = library_inventory();
    cleanup_strbuf struct strbuf text = {0};
    const cJSON *library;
    strbuf_addf(&text, "apphost %s from %s", APPHOST_VERSION, installed_as());
    cJSON_ArrayForEach(library, libraries)
    {
        if (str_eq(json_string(library, "how", ""), "missing"))
            add_missing(doctor, library);
        else
            add_library(&text, library);
    }
    doctor_add(doctor, DOCTOR_PASS, strbuf_text(&text), NULL);
}
