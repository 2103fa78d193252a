/* The target `kubernetes` of `deploy`. Inside cli/ only. */
#ifndef CLI_DEPLOY_KUBERNETES_H
#define CLI_DEPLOY_KUBERNETES_H

#include "cli/deploy.h"

int cli_deploy_kubernetes(struct context *context, const struct deploy_options *options, struct error *err);

#endif
