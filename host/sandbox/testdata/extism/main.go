// The guest is a plugin in plain Go that speaks to Extism's kernel by itself, as a PDK would. It
// tells what it sees of the machine.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

//go:wasmimport extism:host/env alloc
func alloc(size uint64) uint64

//go:wasmimport extism:host/env store_u8
func store(offset uint64, value uint32)

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u8
func inputByte(offset uint64) uint32

//go:wasmimport extism:host/env output_set
func setOutput(offset, size uint64)

//go:wasmimport extism:host/env error_set
func setError(offset uint64)

var calls int

//go:wasmexport derive
func derive() int32 {
	calls++
	input := make([]byte, inputLength())
	for i := range input {
		input[i] = byte(inputByte(uint64(i)))
	}
	switch text := string(input); {
	case strings.Contains(text, "do-panic"):
		panic("the guest had enough")
	case strings.Contains(text, "do-fail"):
		setError(block("no such service"))
		return 1
	case strings.Contains(text, "do-spin"):
		for {
			calls++
		}
	}
	fmt.Println("a line on stdout")
	answer := fmt.Sprintf(`{"results":[{"severity":"info","message":"%s"}]}`, observe(len(input)))
	setOutput(block(answer), uint64(len(answer)))
	return 0
}

func block(text string) uint64 {
	offset := alloc(uint64(len(text)))
	for i := range len(text) {
		store(offset+uint64(i), uint32(text[i]))
	}
	return offset
}

// observe tells what could differ between two calls or two machines.
func observe(size int) string {
	begin := time.Now()
	time.Sleep(time.Hour)
	_, openErr := os.Open("/etc/passwd")
	_, writeErr := os.Create("out")
	return fmt.Sprintf("size=%d calls=%d args=%v env=%d time=%s slept=%v open=%v create=%v",
		size, calls, os.Args, len(os.Environ()), begin.UTC().Format(time.RFC3339), time.Since(begin) >= time.Hour, openErr != nil, writeErr != nil)
}

func main() {}
