/* The program itself: how it was installed, and which libraries it works with. Those that it opens when it
 * needs them are opened, so that one which is missing is known before it is needed. */
#include "doctor/doctor.h"

#include "base/installed.h"
#include "base/mem.h"
#include "base/pick.h"
#include "library/inventory.h"

/* "libcurl 7.88.1"; of those that tell no version, only the name. */
static void add_library(struct strbuf *text, const struct library_entry *library)
{
    strbuf_addf(text, ", %s", library->name);
    if (library->version)
        strbuf_addf(text, " %s", library->version);
}

void doctor_check_program(struct doctor *doctor)
{
    cleanup_inventory struct library_inventory libraries;
    cleanup_strbuf struct strbuf text = {0};
    library_inventory(&libraries);
    strbuf_addf(&text, "apphost %s from %s", APPHOST_VERSION, installed_as());
    for (size_t i = 0; i < libraries.count; i++) {
        const struct library_entry *library = &libraries.items[i];
        if (library->how == LIBRARY_MISSING)
            doctor_warn(doctor, text_or_empty(library->error), text_or(library->fix, "install it"));
        else
            add_library(&text, library);
    }
    doctor_pass(doctor, strbuf_text(&text));
}
