package tsdbscan

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// eachPostings walks the postings offset table: f gets every label name and
// value with the offset of its list, sorted by name and value. The bytes are
// valid during the call; f returns false to stop.
func (x *indexFile) eachPostings(f func(name, value []byte, off int64) bool) error {
	if !x.v1 {
		return x.postingsEntries(f)
	}
	type entry struct {
		name, value []byte
		off         int64
	}
	var all []entry
	err := x.postingsEntries(func(name, value []byte, off int64) bool {
		all = append(all, entry{slices.Clone(name), slices.Clone(value), off})
		return true
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.name, b.name), bytes.Compare(a.value, b.value))
	})
	for _, e := range all {
		if !f(e.name, e.value, e.off) {
			break
		}
	}
	return nil
}

// postingsEntries walks the table as it is, which is sorted but in version 1.
func (x *indexFile) postingsEntries(f func(name, value []byte, off int64) bool) error {
	var sec section
	if err := sec.open(x, x.postingsTable); err != nil {
		return err
	}
	n, err := sec.uint32()
	if err != nil {
		return err
	}
	var name []byte
	for range n {
		if parts, err := sec.uvarint(); err != nil {
			return err
		} else if parts != 2 {
			return errors.New("an entry does not have a name and a value")
		}
		b, err := sec.text()
		if err != nil {
			return err
		}
		name = append(name[:0], b...)
		value, err := sec.text()
		if err != nil {
			return err
		}
		if !sec.w.has(sec.off, 10) { // reading on will overwrite value
			value = slices.Clone(value)
		}
		off, err := sec.uvarint()
		if err != nil {
			return err
		}
		if !f(name, value, int64(off)) {
			return nil
		}
	}
	return sec.check()
}

// postings iterates over a postings list: the references of the series that
// have a label, ascending.
type postings struct {
	sec   section
	left  int // references not yet in batch
	last  uint32
	batch []uint32
	at    int // in batch
	buf   [1024]uint32
}

// postingsCount returns how many series the list at the offset has.
func (x *indexFile) postingsCount(off int64) (int, error) {
	var b [8]byte
	if off < 0 || off > x.size-int64(len(b)) {
		return 0, errShort
	}
	if _, err := x.file.ReadAt(b[:], off); err != nil {
		return 0, err
	}
	length, n := int64(binary.BigEndian.Uint32(b[:])), int64(binary.BigEndian.Uint32(b[4:]))
	if length != 4+4*n {
		return 0, fmt.Errorf("a postings list of %d series has %d bytes", n, length)
	}
	if length > x.size-off-4-crcLength {
		return 0, errShort
	}
	return int(n), nil
}

// open starts reading the list at the offset.
func (p *postings) open(x *indexFile, off int64) error {
	if err := p.sec.open(x, off); err != nil {
		return err
	}
	length := p.sec.end - p.sec.off
	n, err := p.sec.uint32()
	if err != nil {
		return err
	}
	if length != 4+4*int64(n) {
		return fmt.Errorf("a postings list of %d series has %d bytes", n, length)
	}
	p.left, p.last, p.batch, p.at = int(n), 0, nil, 0
	return nil
}

// openRefs starts iterating over references in memory.
func (p *postings) openRefs(refs []uint32) { p.left, p.batch, p.at = 0, refs, 0 }

// next returns the next reference, or false after the last one.
func (p *postings) next() (uint32, bool, error) {
	if p.at == len(p.batch) {
		if p.left == 0 {
			return 0, false, nil
		}
		if err := p.fill(); err != nil {
			return 0, false, fmt.Errorf("read postings: %w", err)
		}
	}
	ref := p.batch[p.at]
	p.at++
	return ref, true, nil
}

// some returns the next references, at most n, or none after the last one.
func (p *postings) some(n int) ([]uint32, error) {
	if p.at == len(p.batch) && p.left > 0 {
		if err := p.fill(); err != nil {
			return nil, fmt.Errorf("read postings: %w", err)
		}
	}
	refs := p.batch[p.at:min(len(p.batch), p.at+n)]
	p.at += len(refs)
	return refs, nil
}

func (p *postings) fill() error {
	n := min(p.left, len(p.buf))
	b, err := p.sec.bytes(4 * n)
	if err != nil {
		return err
	}
	for i := range n {
		ref := binary.BigEndian.Uint32(b[4*i:])
		if ref <= p.last {
			return errors.New("a list is not sorted")
		}
		p.buf[i], p.last = ref, ref
	}
	p.batch, p.at = p.buf[:n], 0
	if p.left -= n; p.left == 0 {
		return p.sec.check()
	}
	return nil
}
