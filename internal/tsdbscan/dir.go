package tsdbscan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/sentei/sentei/internal/files"
)

// Block is one block directory, as its meta.json tells.
type Block struct {
	Dir  string
	ULID string
	// MinTime and MaxTime bound the samples, in Unix milliseconds; MaxTime is
	// exclusive. Prometheus aligns them: samples need not reach them.
	MinTime, MaxTime int64
	// Samples and Series are what the block's writer counted, 0 if it did not.
	Samples, Series uint64

	level   int
	sources []string // the head blocks that went into it
	parents []string // the blocks that it replaces
	empty   bool     // a compaction without samples, to be deleted
	foreign map[string]string
}

// Listing is what a TSDB directory holds.
type Listing struct {
	// Blocks are sorted by time. Blocks that another one has replaced are left
	// out.
	Blocks []Block
	// Bad are blocks whose meta.json cannot be read, sorted, and that no other
	// block has replaced.
	Bad []*BlockError
	// Head says that there is a head: newer samples that no block has yet.
	Head bool
}

var blockName = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

// List reads a TSDB directory, or a single block directory.
func List(path string) (*Listing, error) {
	if _, err := os.Stat(filepath.Join(path, "meta.json")); err == nil {
		b, err := readMeta(path)
		if err != nil {
			return nil, fmt.Errorf("read block %s: %w", path, err)
		}
		return &Listing{Blocks: []Block{*b}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read TSDB directory: %w", err)
	}
	var l Listing
	for _, e := range entries {
		switch {
		case e.Name() == "wal" || e.Name() == "chunks_head":
			l.Head = true
		case blockName.MatchString(e.Name()):
			b, err := readMeta(filepath.Join(path, e.Name()))
			switch {
			case err == nil:
				l.Blocks = append(l.Blocks, *b)
			case errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(path, e.Name())):
				// Compaction has just deleted it.
			default:
				bad := &Block{Dir: filepath.Join(path, e.Name()), ULID: e.Name()}
				l.Bad = append(l.Bad, &BlockError{Block: bad, Err: err})
			}
		}
	}
	if !l.Head && len(l.Blocks) == 0 && len(l.Bad) == 0 {
		return nil, fmt.Errorf("%s is no TSDB directory: it has neither blocks nor a wal; give the path of --storage.tsdb.path", path)
	}
	l.dropReplaced()
	slices.SortFunc(l.Blocks, func(a, b Block) int {
		return cmp.Or(cmp.Compare(a.MinTime, b.MinTime), cmp.Compare(a.MaxTime, b.MaxTime), cmp.Compare(a.ULID, b.ULID))
	})
	return &l, nil
}

// dropReplaced drops blocks that lie there only until a compaction deletes
// them: their samples are in another block too.
func (l *Listing) dropReplaced() {
	replaced := map[string]bool{}
	for i := range l.Blocks {
		for _, p := range l.Blocks[i].parents {
			replaced[p] = true
		}
	}
	all := slices.Clone(l.Blocks)
	l.Blocks = slices.DeleteFunc(l.Blocks, func(b Block) bool {
		return b.empty || replaced[b.ULID] || slices.ContainsFunc(all, func(o Block) bool { return o.contains(&b) })
	})
	l.Bad = slices.DeleteFunc(l.Bad, func(e *BlockError) bool { return replaced[e.Block.ULID] })
}

// contains reports whether o was compacted from b and others.
func (o *Block) contains(b *Block) bool {
	if o.level <= b.level || o.MinTime > b.MinTime || o.MaxTime < b.MaxTime || len(b.sources) == 0 {
		return false
	}
	for _, s := range b.sources {
		if !slices.Contains(o.sources, s) {
			return false
		}
	}
	return maps.Equal(o.foreign, b.foreign)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readMeta(dir string) (*Block, error) {
	data, err := files.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return nil, fmt.Errorf("read meta.json: %w", err)
	}
	var m struct {
		ULID             string
		MinTime, MaxTime int64
		Version          int
		Stats            struct{ NumSamples, NumSeries uint64 }
		Compaction       struct {
			Level     int
			Sources   []string
			Deletable bool
			Parents   []struct{ ULID string }
		}
		Thanos struct{ Labels map[string]string }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("parse meta.json: %w", err)
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("meta.json has version %d, only 1 is known", m.Version)
	}
	if m.MinTime > m.MaxTime {
		return nil, fmt.Errorf("meta.json has minTime %d after maxTime %d", m.MinTime, m.MaxTime)
	}
	b := &Block{
		Dir: dir, ULID: m.ULID, MinTime: m.MinTime, MaxTime: m.MaxTime,
		Samples: m.Stats.NumSamples, Series: m.Stats.NumSeries,
		level: m.Compaction.Level, sources: m.Compaction.Sources, empty: m.Compaction.Deletable,
		foreign: m.Thanos.Labels,
	}
	for _, p := range m.Compaction.Parents {
		b.parents = append(b.parents, p.ULID)
	}
	if b.ULID == "" {
		b.ULID = filepath.Base(dir)
	}
	return b, nil
}
