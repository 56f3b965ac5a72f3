// SPDX-License-Identifier: MIT
/* memstate plot: pictures of a recording, by gnuplot. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	"  -o, --output FILE   default: the name of the recording, with .svg behind it\n"
	"  --kind KIND         time: Reserved, Prepared and Ready over time, with limits and\n"
	"                      events (default); classes: Ready by class; map: the address\n"
	"                      space, coloured by state\n"
	"  --pid PID           map: of this process, where there are several\n"
	"  --reserved WHERE    time: stack, panel (of its own), none; default: a panel of its\n"
	"                      own where it would flatten the rest\n"
	"  --theme THEME       light, dark, or auto (default): SVG follows the reader's\n"
	"                      setting, PNG is light\n"
	"  --size WxH          pixels, default 960x540\n"
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

enum format { FORMAT_SVG, FORMAT_PNG, FORMAT_SCRIPT };
enum kind { KIND_TIME, KIND_CLASSES, KIND_MAP };

/**
 * struct plotter - what is asked for
 * @input:	the recording
 * @output:	the picture
 * @format:	what it is
 * @kind:	what it shows
 * @theme:	its colours
 * @width:	pixels
 * @height:	pixels
 * @max:	a limit that there might be, 0: those that there were
 * @want:	the rest
 */
struct plotter {
	const char *input;
	const char *output;
	enum format format;
	enum kind kind;
	enum ms_plot_theme theme;
	int width;
	int height;
	uint64_t max;
	struct ms_picture want;
};

/* ---- what gnuplot makes, made fit for use ------------------------------------------- */

/* As gnuplot writes a colour of a line, and of a text. */
static void put_swap(FILE *out, unsigned int from, unsigned int to)
{
	unsigned int r = from >> 16, g = from >> 8 & 255, b = from & 255;

	fprintf(out, "[fill=\"rgb(%u,%u,%u)\"],[fill=\"rgb(%3u, %3u, %3u)\"],[fill=\"#%06x\"]{fill:#%06x}\n",
		r, g, b, r, g, b, from, to);
	fprintf(out, "[stroke=\"rgb(%3u, %3u, %3u)\"]{stroke:#%06x}\n", r, g, b, to);
}

/* Where the reader prefers dark, all that is not data changes its colour. */
static void put_style(FILE *out)
{
	const struct ms_theme *light = &ms_themes[0], *dark = &ms_themes[1];

	fputs("<style>@media (prefers-color-scheme: dark) {\n", out);
	put_swap(out, light->background, dark->background);
	put_swap(out, light->text, dark->text);
	put_swap(out, light->muted, dark->muted);
	put_swap(out, light->border, dark->border);
	put_swap(out, light->grid, dark->grid);
	fputs("}</style>\n", out);
}

static void put_xml(FILE *out, const char *text)
{
	size_t length;

	for (; *text; text += length) {
		if (!ms_name_char(text, &length))
			fputc('?', out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fwrite(text, 1, length, out);
	}
}

/*
 * The picture says what it is, and follows the theme; groups with nothing in them, of
 * which there are many, are left out; the rest is as gnuplot made it.
 */
static void copy_svg(FILE *in, FILE *out, const struct plotter *p, const char *title)
{
	char *line = NULL, *group = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) > 0) {
		if (group && !strcmp(line, "</g>\n")) {
			free(group);
			group = NULL;
			continue;
		}
		if (group)
			fputs(group, out);
		free(group);
		group = NULL;
		if (!strncmp(line, "<g fill=\"none\"", 14)) {
			group = strdup(line);
		} else if (strncmp(line, "<title>", 7) != 0) {
			fputs(line, out);
		} else {
			fputs("<title>", out);
			put_xml(out, title);
			fputs("</title>\n", out);
			if (p->theme == MS_THEME_AUTO)
				put_style(out);
		}
	}
	free(group);
	free(line);
}

/* ---- gnuplot -------------------------------------------------------------------------- */

static int put_script(const struct plotter *p, const struct ms_recording *r, FILE *out,
		      const char *picture)
{
	struct ms_script s = {
		.out = out,
		.theme = &ms_themes[p->theme == MS_THEME_DARK],
		.width = p->width,
		.height = p->height,
	};
	bool png = p->format == FORMAT_PNG;

	s.points = png ? 0.9 : 0.55;
	/* Sizes of letters are pixels in the one, points in the other. */
	fprintf(out, "set terminal %s size %d,%d font '%s' background rgb '#%06x'\n",
		png ? "pngcairo fontscale 0.75" : "svg", p->width, p->height,
		png ? "Sans,12" : "sans-serif,12", s.theme->background);
	if (picture) {
		fputs("set output ", out);
		ms_script_quote(out, picture);
		fputc('\n', out);
	}
	return p->kind == KIND_MAP ? ms_plot_map(&s, r, &p->want) :
				     ms_plot_time(&s, r, &p->want);
}

/* Gnuplot with the script at its input. Return: 0; 1 after a message. */
static int run_gnuplot(const char *script)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0) {
		ms_err("fork: %s", strerror(errno));
		return 1;
	}
	if (!pid) {
		/* What a user has set for himself is not for our pictures. */
		setenv("GNUTERM", "dumb", 1);
		execlp("gnuplot", "gnuplot", "-d", script, (char *)NULL);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		ms_err("gnuplot is not there: install the Debian package gnuplot-nox");
	else
		ms_err("gnuplot did not make the picture (status %d)",
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 1;
}

static int copy_file(const struct plotter *p, const char *from, const char *title)
{
	FILE *in = fopen(from, "re"), *out = fopen(p->output, "we");
	char buf[65536];
	int error = 0;
	size_t n;

	if (!in || !out) {
		error = errno;
	} else if (p->format == FORMAT_SVG) {
		copy_svg(in, out, p, title);
	} else {
		while ((n = fread(buf, 1, sizeof(buf), in)))
			fwrite(buf, 1, n, out);
	}
	if (out && (ferror(out) | fclose(out)) && !error)
		error = errno ? errno : EIO;
	if (in)
		fclose(in);
	if (error)
		ms_err("%s: %s", p->output, strerror(error));
	return error ? 1 : 0;
}

static const char *title_of(const struct plotter *p, const struct ms_recording *r)
{
	return p->want.title ? p->want.title : r->name ? r->name : "memstate";
}

/* In a directory of our own: nothing stays behind, and no half picture. */
static int draw_in(const struct plotter *p, const struct ms_recording *r, const char *dir)
{
	char script[PATH_MAX], picture[PATH_MAX];
	bool wanted = p->format == FORMAT_SCRIPT;
	int status;
	FILE *out;

	snprintf(script, sizeof(script), "%s/script", dir);
	snprintf(picture, sizeof(picture), "%s/picture", dir);
	out = fopen(script, "we");
	if (!out) {
		ms_err("%s: %s", script, strerror(errno));
		return 1;
	}
	status = put_script(p, r, out, wanted ? NULL : picture);
	if (ferror(out) | fclose(out)) {
		ms_err("%s: %s", script, strerror(errno));
		status = 1;
	}
	if (!status && !wanted)
		status = run_gnuplot(script);
	if (!status)
		status = copy_file(p, wanted ? script : picture, title_of(p, r));
	unlink(script);
	unlink(picture);
	return status;
}

static int draw(const struct plotter *p, const struct ms_recording *r)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX - 16];
	int status;

	snprintf(dir, sizeof(dir), "%s/memstate-plot-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		ms_err("%s: %s", dir, strerror(errno));
		return 1;
	}
	status = draw_in(p, r, dir);
	rmdir(dir);
	return status;
}

/* ---- command line ------------------------------------------------------------------------ */

/* One of some words. Return: which, or -1 after a message. */
static int word_arg(const char *option, const char *text, const char *const *words, int nr)
{
	char list[64] = "";

	for (int i = 0; i < nr; i++) {
		if (!strcmp(text, words[i]))
			return i;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			 words[i]);
	}
	ms_usage_error("plot", "%s: '%s' is none of %s", option, text, list);
	return -1;
}

static int size_arg(struct plotter *p, const char *text)
{
	char end;

	if (sscanf(text, "%dx%d%c", &p->width, &p->height, &end) == 2 && p->width >= WIDTH_MIN &&
	    p->height >= HEIGHT_MIN && p->width <= SIZE_MAX_PX && p->height <= SIZE_MAX_PX)
		return 0;
	return ms_usage_error("plot", "--size: '%s' is no size from %dx%d to %dx%d", text,
			      WIDTH_MIN, HEIGHT_MIN, SIZE_MAX_PX, SIZE_MAX_PX);
}

static int option(struct plotter *p, int c, char **argv)
{
	static const char *const kinds[] = { "time", "classes", "map" };
	static const char *const themes[] = { "auto", "light", "dark" };
	static const char *const places[] = { "auto", "stack", "panel", "none" };
	int i;

	switch (c) {
	case 'o':
		p->output = optarg;
		return 0;
	case OPT_KIND:
		i = word_arg("--kind", optarg, kinds, 3);
		p->kind = (enum kind)i;
		p->want.classes = i == KIND_CLASSES;
		return i < 0 ? EXIT_USAGE : 0;
	case OPT_PID:
		p->want.pid = ms_pid_arg("plot", optarg);
		return p->want.pid < 0 ? EXIT_USAGE : 0;
	case OPT_RESERVED:
		p->want.reserved = word_arg("--reserved", optarg, places, 4);
		return p->want.reserved < 0 ? EXIT_USAGE : 0;
	case OPT_THEME:
		i = word_arg("--theme", optarg, themes, 3);
		p->theme = (enum ms_plot_theme)i;
		return i < 0 ? EXIT_USAGE : 0;
	case OPT_SIZE:
		return size_arg(p, optarg);
	case OPT_TITLE:
		p->want.title = optarg;
		return 0;
	case OPT_MAX:
		if (!memstate_parse_bytes(ms_size_words(optarg, argv), &p->max) && p->max)
			return 0;
		return ms_usage_error("plot", "option '--max': '%s' is not a size (as 512M or 1.5GiB)",
				      optarg);
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

static int find_format(struct plotter *p)
{
	static const char *const ends[] = { ".svg", ".png", ".gp" };
	static char beside[PATH_MAX];
	const char *dot;

	if (!p->output) {
		snprintf(beside, sizeof(beside), "%s.svg", p->input);
		p->output = beside;
	}
	dot = strrchr(p->output, '.');
	for (int i = 0; dot && dot > p->output && dot[-1] != '/' && i < 3; i++) {
		if (!strcmp(dot, ends[i])) {
			p->format = (enum format)i;
			return 0;
		}
	}
	return ms_usage_error("plot", "'%s' ends neither in .svg nor in .png nor in .gp",
			      p->output);
}

int memstate_cmd_plot(int argc, char **argv)
{
	struct plotter p = { .width = 960, .height = 540 };
	struct ms_recording r;
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		status = option(&p, c, argv);
		if (status)
			return status;
	}
	if (optind + 1 != argc)
		return ms_usage_error("plot", "one recording is needed");
	if (p.want.pid && p.kind != KIND_MAP)
		return ms_usage_error("plot", "--pid goes with --kind map");
	if (p.want.reserved && p.kind != KIND_TIME)
		return ms_usage_error("plot", "--reserved goes with --kind time");
	if (p.max && p.kind == KIND_MAP)
		return ms_usage_error("plot", "--max does not go with --kind map");
	p.input = argv[optind];
	status = find_format(&p);
	if (!status) {
		status = ms_recording_read(&r, p.input) ? 1 : 0;
		if (!status && p.max)
			suppose(&r, p.max);
		if (!status)
			status = draw(&p, &r);
		ms_recording_free(&r);
	}
	return status;
}
