// SPDX-License-Identifier: MIT
/* gnuplot, which is given a script and makes the picture of it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "plot.h"

static int put_script(const struct ms_plotter *p, const struct ms_recording *r, FILE *out,
		      const char *picture)
{
	struct ms_script s = {
		.out = out,
		.theme = &ms_themes[p->theme == MS_THEME_DARK],
		.width = p->width,
		.height = p->height,
	};
	bool png = p->format == MS_FORMAT_PNG;

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
	return p->kind == MS_KIND_MAP ? ms_plot_map(&s, r, &p->want) :
				     ms_plot_time(&s, r, &p->want);
}

/* Gnuplot with the script at its input. Return: 0; 1 after a message. */
static int run_gnuplot(const char *script)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0) {
		ms_err("fork: %s", ms_error_text(errno));
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

static int copy_file(const struct ms_plotter *p, const char *from, const char *title)
{
	FILE *in = fopen(from, "re"), *out = fopen(p->output, "we");
	char buf[65536];
	int error = 0;
	size_t n;

	if (!in || !out) {
		error = errno;
	} else if (p->format == MS_FORMAT_SVG) {
		ms_svg_copy(in, out, title, p->theme == MS_THEME_AUTO);
	} else {
		while ((n = fread(buf, 1, sizeof(buf), in)))
			fwrite(buf, 1, n, out);
	}
	if (out && (ferror(out) | fclose(out)) && !error)
		error = errno ? errno : EIO;
	if (in)
		fclose(in);
	if (error)
		ms_err("%s: %s", p->output, ms_error_text(error));
	return error ? 1 : 0;
}

static const char *title_of(const struct ms_plotter *p, const struct ms_recording *r)
{
	return p->want.title ? p->want.title : r->name ? r->name : "memstate";
}

/* In a directory of our own: nothing stays behind, and no half picture. */
static int draw_in(const struct ms_plotter *p, const struct ms_recording *r, const char *dir)
{
	char script[PATH_MAX], picture[PATH_MAX];
	bool wanted = p->format == MS_FORMAT_SCRIPT;
	int status;
	FILE *out;

	snprintf(script, sizeof(script), "%s/script", dir);
	snprintf(picture, sizeof(picture), "%s/picture", dir);
	out = fopen(script, "we");
	if (!out) {
		ms_err("%s: %s", script, ms_error_text(errno));
		return 1;
	}
	status = put_script(p, r, out, wanted ? NULL : picture);
	if (ferror(out) | fclose(out)) {
		ms_err("%s: %s", script, ms_error_text(errno));
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

/**
 * ms_plotter_draw() - make the picture
 * @p:	what is asked for
 * @r:	the recording
 *
 * Return: 0; 1 after a message.
 */
int ms_plotter_draw(const struct ms_plotter *p, const struct ms_recording *r)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX - 16];
	int status;

	snprintf(dir, sizeof(dir), "%s/memstate-plot-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		ms_err("%s: %s", dir, ms_error_text(errno));
		return 1;
	}
	status = draw_in(p, r, dir);
	rmdir(dir);
	return status;
}
