/*
 * cli/image.h - what image and push print alike.
 */
#ifndef MR_CLI_IMAGE_H
#define MR_CLI_IMAGE_H

#include "cli/cli.h"
#include "mreg/image.h"

void cli_put_image(struct cli *cli, struct mr_buf *b,
		   const struct mreg_image_result *r);

#endif
