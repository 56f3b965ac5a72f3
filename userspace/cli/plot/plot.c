// SPDX-License-Identifier: MIT
/* memstate plot, pictures of a recording: its command line. */
#include <limits.h>
#include <string.h>

#include "cli.h"
#include "plot.h"

#define WIDTH_MIN	480
#define HEIGHT_MIN	320
#define SIZE_MAX_PX	8192

static const char help[] =
	"usage: memstate plot [OPTION]... FILE\n\n"
	"Make a picture of a recording by 'memstate record' or 'memstate replay --record',\n"
	"with gnuplot. What it is follows from the name of the output: .svg, .png, or .gp, the\n"
	"program that gnuplot is given, with its data in it.\n\n"
	"  -o, --output FILE   the picture (default: the recording's name, with .svg behind it)\n"
	"  --kind KIND         time: Reserved, Prepared and Ready over time, with limits and\n"
	"                      events (default); classes: Ready by class; map: the address\n"
	"                      space, coloured by state\n"
	"  --pid PID           map: of this process, where there are several\n"
	"  --reserved WHERE    time: stack, panel (of its own), none, or auto (default): a\n"
	"                      panel of its own where it would flatten the rest\n"
	"  --theme THEME       light, dark, or auto (default): SVG follows the reader's\n"
	"                      setting, PNG is light\n"
	"  --size WxH          pixels (default 960x540)\n"
	"  --max SIZE          with a line where this limit would be, in place of the one that was\n"
	"  --title TEXT        instead of what was recorded\n"
	"  --help              this text\n";

enum { OPT_KIND = 256, OPT_PID, OPT_RESERVED, OPT_THEME, OPT_SIZE, OPT_TITLE, OPT_MAX };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "reserved", required_argument, NULL, OPT_RESERVED },
	{ "theme", required_argument, NULL, OPT_THEME },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "title", required_argument, NULL, OPT_TITLE },
	{ "max", required_argument, NULL, OPT_MAX },
	{ "help", no_argument, NULL, 'h' },
	{}
};

/**
 * struct request - what is asked for
 * @plotter:	the picture
 * @max:	a limit that there might be, 0: those that there were
 */
struct request {
	struct ms_plotter plotter;
	uint64_t max;
};

static int size_arg(struct ms_plotter *p, const char *text)
{
	char end;

	if (sscanf(text, "%dx%d%c", &p->width, &p->height, &end) == 2 && p->width >= WIDTH_MIN &&
	    p->height >= HEIGHT_MIN && p->width <= SIZE_MAX_PX && p->height <= SIZE_MAX_PX)
		return 0;
	return ms_usage_error("plot", "option '--size': '%s' is not a size from %dx%d to %dx%d",
			      text, WIDTH_MIN, HEIGHT_MIN, SIZE_MAX_PX, SIZE_MAX_PX);
}

static int option(struct request *q, int c, char **argv)
{
	static const char *const kinds[] = { "time", "classes", "map" };
	static const char *const themes[] = { "auto", "light", "dark" };
	static const char *const places[] = { "auto", "stack", "panel", "none" };
	struct ms_plotter *p = &q->plotter;
	int i;

	switch (c) {
	case 'o':
		p->output = optarg;
		return 0;
	case OPT_KIND:
		i = ms_word_arg("plot", "--kind", optarg, kinds, 3);
		p->kind = (enum ms_plot_kind)i;
		p->want.classes = i == MS_KIND_CLASSES;
		return i < 0 ? EXIT_USAGE : 0;
	case OPT_PID:
		p->want.pid = ms_pid_arg("plot", optarg);
		return p->want.pid < 0 ? EXIT_USAGE : 0;
	case OPT_RESERVED:
		p->want.reserved = ms_word_arg("plot", "--reserved", optarg, places, 4);
		return p->want.reserved < 0 ? EXIT_USAGE : 0;
	case OPT_THEME:
		i = ms_word_arg("plot", "--theme", optarg, themes, 3);
		p->theme = (enum ms_plot_theme)i;
		return i < 0 ? EXIT_USAGE : 0;
	case OPT_SIZE:
		return size_arg(p, optarg);
	case OPT_TITLE:
		p->want.title = optarg;
		return 0;
	case OPT_MAX:
		return ms_bytes_arg("plot", "--max", argv, &q->max);
	default:
		return ms_option_error("plot", c, argv);
	}
}

/* As if this one had been there all the time. */
static void suppose(struct ms_recording *r, uint64_t max)
{
	for (size_t i = 0; i < r->nr_samples; i++) {
		struct memstate_limit *l = &r->samples[i].limit;

		if (!r->samples[i].limited)
			*l = (struct memstate_limit) { .high = MEMSTATE_UNLIMITED,
						       .lowest_high = MEMSTATE_UNLIMITED };
		r->samples[i].limited = true;
		l->max = max;
		l->lowest_max = max;
	}
}

static int find_format(struct ms_plotter *p, const char *input)
{
	static const char *const ends[] = { ".svg", ".png", ".gp" };
	static char beside[PATH_MAX];
	const char *dot;

	if (!p->output) {
		snprintf(beside, sizeof(beside), "%s.svg", input);
		p->output = beside;
	}
	dot = strrchr(p->output, '.');
	for (int i = 0; dot && dot > p->output && dot[-1] != '/' && i < 3; i++) {
		if (!strcmp(dot, ends[i])) {
			p->format = (enum ms_plot_format)i;
			return 0;
		}
	}
	return ms_usage_error("plot", "'%s' ends neither in .svg nor in .png nor in .gp",
			      p->output);
}

int memstate_cmd_plot(int argc, char **argv)
{
	struct request q = { .plotter = { .width = 960, .height = 540 } };
	const struct ms_plotter *p = &q.plotter;
	struct ms_recording r;
	const char *input;
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		status = option(&q, c, argv);
		if (status)
			return status;
	}
	if (optind + 1 != argc)
		return ms_usage_error("plot", "one recording is needed");
	if (p->want.pid && p->kind != MS_KIND_MAP)
		return ms_usage_error("plot", "--pid goes with --kind map");
	if (p->want.reserved && p->kind != MS_KIND_TIME)
		return ms_usage_error("plot", "--reserved goes with --kind time");
	if (q.max && p->kind == MS_KIND_MAP)
		return ms_usage_error("plot", "--max does not go with --kind map");
	input = argv[optind];
	status = find_format(&q.plotter, input);
	if (!status) {
		status = ms_recording_read(&r, input) ? 1 : 0;
		if (!status && q.max)
			suppose(&r, q.max);
		if (!status)
			status = ms_plotter_draw(p, &r);
		ms_recording_free(&r);
	}
	return status;
}
