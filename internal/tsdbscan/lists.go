package tsdbscan

import (
	"slices"

	"github.com/sentei/sentei"
)

// valueLists keeps the top values of labels. Most metrics of a job have the same
// values of a label as often, such as its instances, so every list is kept once.
type valueLists struct {
	lists  [][]uint64        // keys, see topKey
	byHash map[uint64]uint32 // a list with the hash
	room   []uint64          // for the next lists
	total  int               // length of all lists
	values [][]sentei.LabelValue
}

// add returns the number of the list that has these keys.
func (v *valueLists) add(keys []uint64, h *hasher) uint32 {
	hash := uint64(len(keys))
	for _, k := range keys {
		hash = h.scatter(hash + k)
	}
	if i, ok := v.byHash[hash]; ok && slices.Equal(v.lists[i], keys) {
		return i
	}
	if v.byHash == nil {
		v.byHash = map[uint64]uint32{}
	}
	if cap(v.room)-len(v.room) < len(keys) {
		v.room = make([]uint64, 0, max(4096, len(keys)))
	}
	start := len(v.room)
	v.room = append(v.room, keys...)
	i := uint32(len(v.lists))
	v.lists, v.byHash[hash] = append(v.lists, v.room[start:len(v.room):len(v.room)]), i
	v.total += len(keys)
	return i
}

// of returns the list with the number as texts. It must not be changed.
func (v *valueLists) of(i uint32, s *symbols) []sentei.LabelValue {
	if v.values == nil {
		all := make([]sentei.LabelValue, 0, v.total)
		v.values = make([][]sentei.LabelValue, len(v.lists))
		for i, keys := range v.lists {
			start := len(all)
			for _, k := range keys {
				all = append(all, sentei.LabelValue{Value: s.text(uint32(k)), Series: int64(^uint32(k >> 32))})
			}
			v.values[i] = all[start:len(all):len(all)]
		}
		v.lists, v.byHash, v.room = nil, nil, nil
	}
	return v.values[i]
}
