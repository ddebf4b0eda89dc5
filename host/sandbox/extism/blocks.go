package extism

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"
)

// Errors of a guest that misuses blocks.
var (
	errNoBlock  = errors.New("the address is not one of the plugin's blocks")
	errOutside  = errors.New("the address is outside of the plugin's blocks")
	errStarting = errors.New("the start function has no blocks")
)

// blocks are what the guest has of the kernel's memory, in the order of their addresses.
type blocks struct {
	live []block
	// made counts those that were ever made.
	made int
	// last is where the last access was: guests go through a block word by word.
	last int
}

type block struct{ offset, size uint64 }

func (b block) holds(offset, size uint64) bool {
	return offset >= b.offset && size <= b.size && offset-b.offset <= b.size-size
}

// at returns the place of the first block that does not begin before the offset.
func (b *blocks) at(offset uint64) (place int, begins bool) {
	return slices.BinarySearchFunc(b.live, offset, func(x block, offset uint64) int {
		switch {
		case x.offset < offset:
			return -1
		case x.offset > offset:
			return 1
		}
		return 0
	})
}

// add makes a block one of the guest's.
func (b *blocks) add(added block) {
	place, _ := b.at(added.offset)
	b.live = slices.Insert(b.live, place, added)
	b.made++
}

// hold reports whether a span lies in one block.
func (b *blocks) hold(offset, size uint64) bool {
	if b.last < len(b.live) && b.live[b.last].holds(offset, size) {
		return true
	}
	place, begins := b.at(offset)
	if !begins {
		place--
	}
	if place < 0 || !b.live[place].holds(offset, size) {
		return false
	}
	b.last = place
	return true
}

// Blocks returns how many blocks were made. The kernel walks past up to so many to make one or to
// free one.
func (i *Instance) Blocks() int { return i.blocks.made }

// Alloc makes a block and returns its address, 0 for one without bytes. It is an error that wraps
// [ErrMemory] when no room is left.
func (i *Instance) Alloc(size uint64) (uint64, error) {
	if size == 0 {
		return 0, nil
	}
	// The kernel computes with fewer bits than it is given, and takes too large a size for a small
	// one.
	if size > i.memory.Limit {
		i.memory.refused = true
		return 0, fmt.Errorf("%w: %d bytes were asked for", ErrMemory, size)
	}
	offset, err := i.ask("alloc", size)
	if err != nil {
		return 0, err
	}
	if offset == 0 {
		return 0, fmt.Errorf("%w: %d bytes were asked for", ErrMemory, size)
	}
	i.blocks.add(block{offset, size})
	return offset, nil
}

// Free gives a block back. An address that is not a block's is skipped, as the kernel does.
func (i *Instance) Free(offset uint64) error {
	place, begins := i.blocks.at(offset)
	if !begins {
		return nil
	}
	i.blocks.live = slices.Delete(i.blocks.live, place, place+1)
	_, err := i.ask("free", offset)
	return err
}

// Length returns the size of the block at the address, 0 if none exists.
func (i *Instance) Length(offset uint64) uint64 {
	place, begins := i.blocks.at(offset)
	if !begins {
		return 0
	}
	return i.blocks.live[place].size
}

// Bytes returns the bytes of the block at the address, none for the address 0. They are the
// kernel's, and change when the guest writes.
func (i *Instance) Bytes(offset uint64) ([]byte, error) {
	if offset == 0 {
		return nil, nil
	}
	size := i.Length(offset)
	if size == 0 {
		return nil, errNoBlock
	}
	return i.span(offset, size)
}

// New makes a block that holds the data and returns its address.
func (i *Instance) New(data []byte) (uint64, error) {
	offset, err := i.Alloc(uint64(len(data)))
	if err != nil || offset == 0 {
		return 0, err
	}
	span, err := i.span(offset, uint64(len(data)))
	if err != nil {
		return 0, err
	}
	copy(span, data)
	return offset, nil
}

// span returns bytes that lie in one block.
func (i *Instance) span(offset, size uint64) ([]byte, error) {
	memory := i.memory.memories[0].bytes
	if !i.blocks.hold(offset, size) || offset+size > uint64(len(memory)) {
		return nil, errOutside
	}
	return memory[offset : offset+size], nil
}

// Load returns one byte, or a word of 8, from a block.
func (i *Instance) Load(offset, size uint64) (uint64, error) {
	span, err := i.span(offset, size)
	if err != nil {
		return 0, err
	}
	return word(span), nil
}

// Store writes one byte, or a word of 8, into a block.
func (i *Instance) Store(offset, size, value uint64) error {
	span, err := i.span(offset, size)
	if err != nil {
		return err
	}
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], value)
	copy(span, bytes[:size])
	return nil
}

// word returns up to 8 bytes as a number.
func word(b []byte) uint64 {
	var bytes [8]byte
	copy(bytes[:], b)
	return binary.LittleEndian.Uint64(bytes[:])
}

// InputLength returns the size of the input.
func (i *Instance) InputLength() uint64 { return uint64(len(i.input)) }

// InputOffset returns the address of the input's block, which the guest may use as its own from
// then on, 0 when there is no input.
func (i *Instance) InputOffset() (uint64, error) {
	offset, err := i.ask("input_offset")
	if err != nil || offset == 0 || i.inputAsked {
		return offset, err
	}
	i.inputAsked = true
	i.blocks.add(block{offset, uint64(len(i.input))})
	return offset, nil
}

// LoadInput returns one byte, or a word of 8, of the input, and 0 beyond its end, as the kernel
// does.
func (i *Instance) LoadInput(offset, size uint64) uint64 {
	length := uint64(len(i.input))
	if size > length || offset > length-size {
		return 0
	}
	return word(i.input[offset : offset+size])
}

// SetOutput makes bytes of a block the output.
func (i *Instance) SetOutput(offset, size uint64) error {
	if size > 0 && !i.blocks.hold(offset, size) {
		return errOutside
	}
	_, err := i.ask("output_set", offset, size)
	return err
}

// SetError makes the text the error of the call, which fails with it unless it is empty. It does
// not end the guest.
func (i *Instance) SetError(text []byte) { i.report = string(text) }

// ask calls a function of the kernel.
func (i *Instance) ask(name string, params ...uint64) (uint64, error) {
	if i.kernel == nil {
		return 0, errStarting
	}
	f, found := i.asked[name]
	if !found {
		f = i.kernel.ExportedFunction(name)
		if i.asked == nil {
			i.asked = map[string]api.Function{}
		}
		i.asked[name] = f
	}
	results, err := f.Call(context.Background(), params...)
	if err != nil {
		return 0, fmt.Errorf("the kernel of Extism: %s: %w", name, err)
	}
	if len(results) == 0 {
		return 0, nil
	}
	return results[0], nil
}
