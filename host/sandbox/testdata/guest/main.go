// The guest is a plugin in plain Go, without an SDK. It answers JSON by hand, and does everything
// that a plugin should not get anything out of: it reads the clock, random numbers, its environment
// and files.
package main

import (
	crand "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

//go:wasmimport lattice_v1 log
func logHost(level uint32, ptr unsafe.Pointer, size uint32)

var (
	request []byte
	answer  []byte
	calls   int
	hoard   [][]byte
)

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 {
	request = make([]byte, size)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(request))))
}

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 {
	calls++
	answer = []byte(respond(op, string(request)))
	runtime.KeepAlive(request)
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(answer))))<<32 | uint64(len(answer))
}

func respond(op uint32, text string) string {
	switch {
	case strings.Contains(text, "do-panic"):
		panic("the guest had enough")
	case strings.Contains(text, "do-exit"):
		os.Exit(7)
	case strings.Contains(text, "do-hoard"):
		for {
			hoard = append(hoard, make([]byte, 1<<20))
		}
	case strings.Contains(text, "do-spin"):
		for {
			calls++
		}
	}
	message := "hello from the guest"
	logHost(1, unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
	fmt.Println("a line on stdout")
	fmt.Fprint(os.Stderr, "a line on stderr without an end")
	return `{"results":[{"severity":"info","message":"` + observe(op, len(text)) + `"}]}`
}

// observe tells everything that could differ between two calls.
func observe(op uint32, size int) string {
	begin := time.Now()
	time.Sleep(time.Hour)
	slept := time.Since(begin) >= time.Hour
	var secret [8]byte
	if _, err := crand.Read(secret[:]); err != nil {
		return "no random"
	}
	order := ""
	for k := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5} {
		order += k
	}
	_, openErr := os.Open("/etc/passwd")
	_, writeErr := os.Create("out")
	n, readErr := os.Stdin.Read(make([]byte, 1))
	return fmt.Sprintf("op=%d size=%d calls=%d args=%v env=%d time=%s slept=%v random=%s rand=%d order=%s open=%v create=%v stdin=%d,%v",
		op, size, calls, os.Args, len(os.Environ()), begin.UTC().Format(time.RFC3339), slept,
		hex.EncodeToString(secret[:]), rand.Int63(), order, openErr != nil, writeErr != nil, n, readErr)
}

func main() {}
