/* apphost/apphost.h - everything but the glue for event loops (apphost/uv.h). */
#ifndef APPHOST_APPHOST_H
#define APPHOST_APPHOST_H

#include <apphost/cache.h>
#include <apphost/config.h>
#include <apphost/connection.h>
#include <apphost/error.h>
#include <apphost/health.h>
#include <apphost/host.h>
#include <apphost/hybrid.h>
#include <apphost/limits.h>
#include <apphost/options.h>
#include <apphost/redis.h>
#include <apphost/telemetry.h>

#endif
