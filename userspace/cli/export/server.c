// SPDX-License-Identifier: MIT
/* memstate-export-http: memstate export with a server in it. */
#include "cli.h"

int main(int argc, char **argv)
{
	return memstate_cmd_export(argc, argv);
}
