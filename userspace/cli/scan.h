/* SPDX-License-Identifier: MIT */
/* What can be observed of a process from its smaps, maps or smaps_rollup. */
#ifndef MS_SCAN_H
#define MS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * enum ms_scan_kind - what was read
 * @SCAN_NOTHING:	no mapping at all
 * @SCAN_MAPS:		mappings, and nothing of what backs them
 * @SCAN_SMAPS:		mappings with what backs them
 * @SCAN_ROLLUP:	the sum of what backs them, and no mappings
 */
enum ms_scan_kind { SCAN_NOTHING, SCAN_MAPS, SCAN_SMAPS, SCAN_ROLLUP };

/**
 * struct ms_scan - an estimate
 * @kind:	of what
 * @reserved:	bytes without access; not of SCAN_ROLLUP
 * @accessible:	bytes with access: Prepared or Ready; likewise
 * @ready:	backed and not given back; not of SCAN_MAPS
 * @lazy_free:	given back by MADV_FREE and still there; likewise
 * @mappings:	how many count
 * @left_out:	mappings without what backs them: it was cut out, or off
 * @others:	addresses began anew so often: another process's mappings, or somebody's sorting
 * @first:	the first line that is not empty, of which little is kept
 */
struct ms_scan {
	enum ms_scan_kind kind;
	uint64_t reserved;
	uint64_t accessible;
	uint64_t ready;
	uint64_t lazy_free;
	uint64_t mappings;
	uint64_t left_out;
	uint64_t others;
	char first[64];
};

/* Gives the next line, which it may change. Return: 1; 0 at the end; a negative errno. */
typedef int ms_scan_next(void *from, char **line);

int ms_scan_read(ms_scan_next *next, void *from, struct ms_scan *scan);

#endif /* MS_SCAN_H */
