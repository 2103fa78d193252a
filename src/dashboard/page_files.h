/* The files of the page as they lie in the program; made by scripts/embed-page from src/dashboard/page/. */
#ifndef DASHBOARD_PAGE_FILES_H
#define DASHBOARD_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *name;
    const char *etag;                 /* of the content, quoted */
    const unsigned char *begin, *end; /* gzip */
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
