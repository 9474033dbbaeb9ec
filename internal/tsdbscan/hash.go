package tsdbscan

import "math/bits"

// hasher hashes labels. It is seeded, so that nobody can choose label values
// that collide.
type hasher [2]uint64

// hash returns an even number, so that bit 0 of a sum is free.
func (h *hasher) hash(name, value uint32) uint64 {
	hi, lo := bits.Mul64(uint64(name)<<32|uint64(value)^h[0], 0xa0761d6478bd642f)
	hi, lo = bits.Mul64(hi^lo^h[1], 0x8ebc6af09c88c6e3)
	return (hi ^ lo) &^ 1
}

// scatter makes sums that can be added up to tell sets apart.
func (h *hasher) scatter(x uint64) uint64 {
	hi, lo := bits.Mul64(x^h[1], 0x8ebc6af09c88c6e3)
	return hi ^ lo
}

// distinctSet counts distinct sums. Its memory is used again and again.
type distinctSet struct{ slots []uint64 }

// count returns how many distinct series the runs have without the label. One
// of them is live if it is in any run.
func (d *distinctSet) count(runs []run, rows []uint64) (m merged) {
	size := 1 << bits.Len(uint(len(rows)+len(rows)/2))
	if cap(d.slots) < size {
		d.slots = make([]uint64, size)
	}
	slots := d.slots[:size]
	clear(slots)
	base := runs[0].start
	for i, r := range runs {
		last := uint32(len(rows))
		if i+1 < len(runs) {
			last = runs[i+1].start - base
		}
		for _, row := range rows[r.start-base : last] {
			row -= r.hash
			m.liveRows += int(row & 1)
			if row < 2 { // 0 stands for a free slot
				row += 2
			}
			at := int(row >> 1 & uint64(size-1))
			for slots[at] != 0 && slots[at]^row > 1 {
				at = (at + 1) & (size - 1)
			}
			switch {
			case slots[at] == 0:
				slots[at] = row
				m.all++
				m.live += int(row & 1)
			case row&^slots[at] == 1: // known, but not as live
				slots[at] |= 1
				m.live++
			}
		}
	}
	return m
}
