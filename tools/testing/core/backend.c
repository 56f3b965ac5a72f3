// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What MEMSTATE_BACKEND asks for is what one gets, or an error. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "tap.h"

/* In a process of its own: the choice is made once. */
static int child(const char *wanted, enum memstate_backend want, int totals,
		 const char *error)
{
	struct memstate_totals t;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		setenv("MEMSTATE_BACKEND", wanted, 1);
		_exit(memstate_backend() == want && memstate_totals(&t, 0) == totals &&
		      strstr(memstate_error(), error) ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

int main(void)
{
	tap_ok(child("embedded", MEMSTATE_BACKEND_EMBEDDED, 0, ""),
	       "embedded_is_embedded");
	tap_ok(child("banana", MEMSTATE_BACKEND_NONE, -ENODEV, "MEMSTATE_BACKEND"),
	       "unknown_back_end_is_an_error_that_names_the_variable");
	if (!access(MEMSTATE_DEVICE, R_OK | W_OK)) {
		tap_ok(child("auto", MEMSTATE_BACKEND_DEVICE, 0, ""),
		       "auto_takes_the_device_where_it_is");
		tap_ok(child("device", MEMSTATE_BACKEND_DEVICE, 0, ""),
		       "device_is_the_device");
	} else {
		tap_ok(child("auto", MEMSTATE_BACKEND_EMBEDDED, 0, "/dev/memstate"),
		       "auto_without_the_device_is_embedded_and_says_why");
		tap_ok(child("device", MEMSTATE_BACKEND_NONE, -ENODEV, "/dev/memstate"),
		       "device_that_is_missing_is_an_error_that_names_it");
	}
	return tap_end();
}
