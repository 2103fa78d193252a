/* Telemetry as the files of this room share it: where it comes in, and what there is. */
#ifndef DASHBOARD_TELEMETRY_H
#define DASHBOARD_TELEMETRY_H

#include "dashboard/internal.h"
#include "otlp/otlp.h"

const struct otlp_store *telemetry_store(const struct dashboard *dashboard);

#endif
