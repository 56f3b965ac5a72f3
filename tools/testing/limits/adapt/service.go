// SPDX-License-Identifier: GPL-2.0-only OR MIT

// service [large]: answers requests, most of what each takes is garbage then; with "large" one of
// them wants more than there is.
package main

import (
	"fmt"
	"os"
)

// Alive, as anybody may look at it
var kept [208][]byte

func piece() []byte {
	b := make([]byte, 256<<10)
	for i := 0; i < len(b); i += 4 {
		b[i] = 1
	}
	return b
}

func main() {
	large := len(os.Args) > 1 && os.Args[1] == "large"
	for i := range kept {
		kept[i] = piece()
	}
	answered := 0
	for nr := 1; nr <= 100; nr++ {
		var own [][]byte
		for i := 0; i < 8 || (large && nr == 60 && i < 1600); i++ {
			own = append(own, piece())
		}
		kept[nr%len(kept)] = own[0]
		answered++
	}
	fmt.Printf("=> %d of 100, nothing\n", answered)
}
