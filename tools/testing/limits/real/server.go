// SPDX-License-Identifier: GPL-2.0-only OR MIT

// server [fill]: a server that holds some memory, and makes garbage for each request; with
// "fill" it keeps all.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// What it holds: many small objects that point to each other, as a cache does.
type entry struct {
	next *entry
	text [100]byte
}

func hold(bytes int) *entry {
	var last *entry
	for i := 0; i < bytes/112; i++ {
		last = &entry{next: last}
		last.text[i%100] = 1
	}
	return last
}

func serve(c net.Conn) {
	var size [1]byte
	for {
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		garbage := make([]byte, int(size[0])<<12)
		for i := range garbage {
			garbage[i] = size[0]
		}
		c.Write(garbage[:1])
	}
}

func ask(path string, done *sync.WaitGroup) {
	defer done.Done()
	c, err := net.Dial("unix", path)
	if err != nil {
		panic(err)
	}
	var answer [1]byte
	for i := 1; i <= 100; i++ {
		c.Write([]byte{byte(i)})
		io.ReadFull(c, answer[:])
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "fill" {
		var kept [][]byte
		for {
			b := make([]byte, 256<<10)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
			fmt.Printf("=> %d MiB held\n", len(kept)/4)
		}
	}
	path := fmt.Sprintf("/tmp/go-server-%d", os.Getpid())
	listener, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	held := hold(12 << 20)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	var done sync.WaitGroup
	for i := 0; i < 8; i++ {
		done.Add(1)
		go ask(path, &done)
	}
	done.Wait()
	listener.Close()
	n := 0
	for ; held != nil; held = held.next {
		n++
	}
	fmt.Printf("=> %d requests answered, %d entries\n", 800, n)
}
