package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openMemories returns memories of which only the pages that were written are put back, where the
// kernel tells them.
func openMemories() memories {
	if m, err := openPageMemories(); err == nil {
		return m
	}
	// Without /proc, or where it is another kernel's imitation, everything works as it does on
	// other systems.
	return heapMemories{}
}

// pageMemories makes memories that share the pages of their image until they write to them.
//
// An image is a sealed file in memory, and a memory is a private mapping of it. The kernel gives a
// memory a page of its own when it first writes to one, and /proc/self/pagemap tells which those
// are: they are in memory or swapped out, and are not the file's. Only these are copied back. They
// stay the memory's own, so that a call that writes where earlier ones wrote takes no page fault.
type pageMemories struct {
	pagemap *os.File
	// pageBytes is the size of a page of the kernel, which is not that of WebAssembly.
	pageBytes int
}

// openPageMemories returns an error where the kernel lacks what it takes or does not tell the truth
// about it.
func openPageMemories() (*pageMemories, error) {
	pagemap, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, err
	}
	m := &pageMemories{pagemap: pagemap, pageBytes: os.Getpagesize()}
	if err := m.check(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *pageMemories) close() error { return m.pagemap.Close() }

// check tries out whether the page that was written is told from one that was read and one that was
// left alone. No call may see another's data, so that nothing is taken for granted.
func (m *pageMemories) check() error {
	size := 3 * m.pageBytes
	to, err := m.newFileImage(make([]byte, size))
	if err != nil {
		return err
	}
	defer to.free()
	s, err := m.newMappedStorage(uint64(size))
	if err != nil {
		return err
	}
	defer s.free()
	memory := s.resize(uint64(size))
	if err := s.restore(to); err != nil {
		return err
	}
	memory[m.pageBytes] = memory[0] + 1
	var found []int
	if err := s.eachWritten(0, size, func(begin, end int) { found = append(found, begin, end) }); err != nil {
		return err
	}
	if len(found) != 2 || found[0] != m.pageBytes || found[1] != 2*m.pageBytes {
		return fmt.Errorf("%s does not tell which pages were written", m.pagemap.Name())
	}
	return nil
}

// newStorage implements memories. Where there is no room for the mapping, the memory is on the
// heap.
func (m *pageMemories) newStorage(limit uint64) storage {
	if s, err := m.newMappedStorage(limit); err == nil {
		return s
	}
	return heapMemories{}.newStorage(limit)
}

// newImage implements memories. Where no file can be made, the image is on the heap.
func (m *pageMemories) newImage(content []byte) image {
	if i, err := m.newFileImage(content); err == nil {
		return i
	}
	return heapMemories{}.newImage(content)
}

// fileImage is an image in a file that has no name and cannot be changed.
type fileImage struct {
	fd      int
	content []byte
}

func (m *pageMemories) newFileImage(content []byte) (*fileImage, error) {
	fd, err := createMemoryFile()
	if err != nil {
		return nil, err
	}
	i := &fileImage{fd: fd}
	if err := i.fill(content); err != nil {
		i.free()
		return nil, err
	}
	return i, nil
}

// createMemoryFile asks for a file that cannot be executed, which kernels before 6.3 do not know.
func createMemoryFile() (fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	for _, f := range []int{flags | unix.MFD_NOEXEC_SEAL, flags} {
		if fd, err = unix.MemfdCreate("lattice-snapshot", f); !errors.Is(err, unix.EINVAL) {
			break
		}
	}
	return fd, err
}

// fill writes the content, seals the file, and maps it for reading.
func (i *fileImage) fill(content []byte) error {
	for written := 0; written < len(content); {
		n, err := unix.Pwrite(i.fd, content[written:], int64(written))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		}
		written += max(n, 0)
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(i.fd), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	var err error
	i.content, err = unix.Mmap(i.fd, 0, len(content), unix.PROT_READ, unix.MAP_SHARED)
	return err
}

func (i *fileImage) bytes() []byte { return i.content }

func (i *fileImage) free() {
	if i.content != nil {
		_ = unix.Munmap(i.content)
	}
	_ = unix.Close(i.fd)
}

// pagemapEntries is how many pages are asked about at a time: those of 4 MiB, more than most
// memories have.
const pagemapEntries = 1024

// Bits of an entry of the pagemap, from Documentation/admin-guide/mm/pagemap.rst of the kernel.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61
	// pagemapEntryBytes is the size of an entry.
	pagemapEntryBytes = 8
)

// mappedStorage is a range of addresses that is as long as the memory may become. What the guest
// has not touched takes no room, and growing moves nothing.
type mappedStorage struct {
	made     *pageMemories
	reserved []byte
	size     int
	// mapped is the image that the range begins with; nil as long as its pages are anonymous. What
	// follows it always is, and is 0 from size on.
	mapped *fileImage
	// entries has room for what the kernel says about pages.
	entries []byte
}

func (m *pageMemories) newMappedStorage(limit uint64) (*mappedStorage, error) {
	reserved, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	entries := make([]byte, min(pagemapEntries, len(reserved)/m.pageBytes)*pagemapEntryBytes)
	return &mappedStorage{made: m, reserved: reserved, entries: entries}, nil
}

func (s *mappedStorage) resize(size uint64) []byte {
	s.size = int(size)
	return s.reserved[:s.size:s.size]
}

func (s *mappedStorage) shrink(size int) ([]byte, error) {
	kept := min(s.size, size+keptGrowth)
	if kept < s.size {
		if err := unix.Madvise(s.reserved[kept:s.size], unix.MADV_DONTNEED); err != nil {
			return nil, err
		}
	}
	if err := s.eachWritten(size, kept, func(begin, end int) { clear(s.reserved[begin:end]) }); err != nil {
		return nil, err
	}
	return s.resize(uint64(size)), nil
}

func (s *mappedStorage) restore(to image) error {
	file, ok := to.(*fileImage)
	switch {
	case !ok:
		copy(s.reserved[:s.size], to.bytes())
		return nil
	case s.mapped != file:
		return s.mapImage(file)
	}
	return s.eachWritten(0, s.size, func(begin, end int) { copy(s.reserved[begin:end], file.content[begin:end]) })
}

// mapImage puts the image where the memory is, in place of whatever it holds.
func (s *mappedStorage) mapImage(file *fileImage) error {
	_, err := unix.MmapPtr(file.fd, 0, unsafe.Pointer(unsafe.SliceData(s.reserved)), uintptr(s.size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err != nil {
		return err
	}
	s.mapped = file
	return nil
}

// eachWritten calls f with the places between two of all bytes that may differ from the image, or
// from 0 after it: runs of pages that the memory has for itself.
func (s *mappedStorage) eachWritten(from, to int, f func(begin, end int)) error {
	page := s.made.pageBytes
	for ; from < to; from += len(s.entries) / pagemapEntryBytes * page {
		pages := min(len(s.entries)/pagemapEntryBytes, (to-from)/page)
		if err := s.readEntries(from, pages); err != nil {
			return err
		}
		for n := 0; n < pages; n++ {
			begin := n
			for n < pages && s.written(n) {
				n++
			}
			if n > begin {
				f(from+begin*page, from+n*page)
			}
		}
	}
	return nil
}

// readEntries reads the entries of the pages that begin at an offset in the memory.
func (s *mappedStorage) readEntries(from, pages int) error {
	address := uintptr(unsafe.Pointer(unsafe.SliceData(s.reserved))) + uintptr(from)
	offset := int64(address / uintptr(s.made.pageBytes) * pagemapEntryBytes)
	_, err := s.made.pagemap.ReadAt(s.entries[:pages*pagemapEntryBytes], offset)
	return err
}

// written reports whether the memory has a page for itself. A page that is neither present nor
// swapped was never touched, or was dropped by the kernel, which it does with pages of the file
// only.
func (s *mappedStorage) written(n int) bool {
	entry := binary.NativeEndian.Uint64(s.entries[n*pagemapEntryBytes:])
	return entry&(pagePresent|pageSwapped) != 0 && entry&pageOfFile == 0
}

func (s *mappedStorage) free() {
	// A second call would end another mapping, were it not that the first one leaves
	// nothing to unmap.
	_ = unix.Munmap(s.reserved)
	s.reserved = nil
}
