//go:build unix

package tsdbscan

import (
	"os"
	"syscall"
)

// mapFile maps a part of a file into memory. The offset is a multiple of the
// page size. The kernel is told that its pages are looked at in order, so that
// it reads ahead from the disk.
func mapFile(f *os.File, off int64, n int) ([]byte, error) {
	b, err := syscall.Mmap(int(f.Fd()), off, n, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	// Advice may be ignored.
	_ = syscall.Madvise(b, syscall.MADV_SEQUENTIAL)
	return b, nil
}

func unmapFile(b []byte) error { return os.NewSyscallError("munmap", syscall.Munmap(b)) }
