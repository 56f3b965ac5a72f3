// SPDX-License-Identifier: MIT
/* What the agent tells: of itself, and of a group. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

void agent_complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("agent: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void *agent_must(void *p)
{
	if (!p) {
		agent_complain("out of memory");
		exit(1);
	}
	return p;
}

static const char *const event_names[MEMSTATE_NR_EVENTS] = {
	"high", "max", "denied", "breach", "drift"
};

static const char *const pressure_names[] = { "none", "high", "max" };

const char *agent_size(char *buf, uint64_t bytes)
{
	return bytes == MEMSTATE_UNLIMITED ? "none" :
	       memstate_format_bytes(buf, MEMSTATE_BYTES_MAX, bytes);
}

const char *agent_pressure(uint32_t pressure)
{
	return pressure < 3 ? pressure_names[pressure] : "?";
}

void agent_describe(const struct group *group, char *text, size_t size)
{
	const struct memstate_limit *now = &group->limit, *before = &group->before;
	size_t n = 0;

	*text = '\0';
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++)
		if (now->events[i] != before->events[i])
			n += (size_t)snprintf(text + n, size - n, "%s%s +%llu", n ? ", " : "",
					      event_names[i],
					      now->events[i] - before->events[i]);
	if (now->pressure != before->pressure)
		n += (size_t)snprintf(text + n, size - n, "%spressure %s -> %s",
				      n ? ", " : "", agent_pressure(before->pressure),
				      agent_pressure(now->pressure));
	if (now->high != before->high || now->max != before->max)
		snprintf(text + n, size - n, "%slimits", n ? ", " : "");
}

void agent_tell(const struct group *group, const char *what)
{
	const struct memstate_totals *t = &group->totals.totals;
	char charged[MEMSTATE_BYTES_MAX], high[MEMSTATE_BYTES_MAX], max[MEMSTATE_BYTES_MAX];
	char ready[MEMSTATE_BYTES_MAX];

	printf("%s: %s; charged %s (ready %s), high %s, max %s, pressure %s\n", group->path, what,
	       agent_size(charged, group->limit.charged),
	       agent_size(ready, memstate_totals_state(t, MEMSTATE_READY)),
	       agent_size(high, group->limit.high), agent_size(max, group->limit.max),
	       agent_pressure(group->limit.pressure));
	fflush(stdout);
}
