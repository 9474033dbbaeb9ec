package remoteread

import (
	"sync"

	"github.com/prometheus/prometheus/storage"
)

// cache keeps the answers that were used last.
type cache struct {
	most int64

	mu      sync.Mutex
	bytes   int64
	clock   int64
	answers map[string]*kept
}

type kept struct {
	series []storage.Series
	bytes  int64
	used   int64
}

func (c *cache) get(key string) ([]storage.Series, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.answers[key]
	if k == nil {
		return nil, false
	}
	c.clock++
	k.used = c.clock
	return k.series, true
}

// put keeps an answer and forgets those that have not been used for longest.
func (c *cache) put(key string, series []storage.Series, bytes int64) {
	bytes += int64(len(key)) + 64
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = map[string]*kept{}
	}
	if bytes > c.most || c.answers[key] != nil {
		return
	}
	for c.bytes+bytes > c.most {
		oldest := ""
		for k, v := range c.answers {
			if oldest == "" || v.used < c.answers[oldest].used {
				oldest = k
			}
		}
		c.bytes -= c.answers[oldest].bytes
		delete(c.answers, oldest)
	}
	c.clock++
	c.answers[key] = &kept{series, bytes, c.clock}
	c.bytes += bytes
}
