package remoteread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/sentei/sentei/internal/promapi"
)

const (
	path = "/api/v1/read"
	// maxFrame is the largest part of a streamed answer. Servers make parts
	// of 1 MiB, and of one chunk more.
	maxFrame = 64 << 20
)

// read returns the series with their samples, sorted by labels.
func (r *Reader) read(ctx context.Context, mint, maxt int64, matchers []*labels.Matcher) ([]storage.Series, error) {
	key := fmt.Sprintf("%d %d %s", mint, maxt, selector(matchers))
	if series, ok := r.cache.get(key); ok {
		return series, nil
	}
	query, err := remote.ToQuery(mint, maxt, r.local(matchers), nil)
	if err != nil {
		return nil, err
	}
	request := &prompb.ReadRequest{Queries: []*prompb.Query{query}, AcceptedResponseTypes: remote.AcceptedResponseTypes}
	body, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	var series []storage.Series
	var size int64
	header := http.Header{
		"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "Accept-Encoding": {"snappy"},
		"X-Prometheus-Remote-Read-Version": {"0.1.0"},
	}
	err = r.client.PostRaw(ctx, path, header, snappy.Encode(nil, body), func(h http.Header, answer io.Reader) error {
		counted := &counter{Reader: answer}
		var err error
		switch kind := h.Get("Content-Type"); {
		case strings.HasPrefix(kind, "application/x-streamed-protobuf"):
			series, err = r.streamed(counted)
		case strings.HasPrefix(kind, "application/x-protobuf"):
			series, err = r.sampled(counted)
		default:
			err = fmt.Errorf("the answer is of type %q: this is no remote read", kind)
		}
		size = counted.n
		return err
	})
	if err != nil {
		return nil, &Error{explain(err)}
	}
	r.cache.put(key, series, size)
	return series, nil
}

// Error says that the server did not give what was asked for.
type Error struct{ err error }

// Error returns what the server said, and what to do about it.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error of the request.
func (e *Error) Unwrap() error { return e.err }

// explain adds what to do about an error.
func explain(err error) error {
	e, ok := errors.AsType[*promapi.Error](err)
	switch {
	case ok && strings.Contains(e.Message, "exceeded sample limit"), promapi.TooHeavy(err):
		return fmt.Errorf("remote read: one query needs too much at once (shorten its range, or give blocks instead): %w", err)
	case errors.Is(err, promapi.ErrUnsupported), ok && e.Status == http.StatusBadRequest:
		return fmt.Errorf("remote read is not served there (Prometheus and Mimir have it; an agent, VictoriaMetrics and Thanos do not; give blocks instead): %w", err)
	}
	return fmt.Errorf("remote read: %w", err)
}

// local returns matchers that select by stored labels. The server takes an
// equality with an external label for one that every series satisfies; a
// regular expression it leaves alone.
func (r *Reader) local(matchers []*labels.Matcher) []*labels.Matcher {
	out := slices.Clone(matchers)
	for i, m := range out {
		if value, ok := r.external[m.Name]; ok && m.Type == labels.MatchEqual && m.Value == value && value != "" {
			out[i] = labels.MustNewMatcher(labels.MatchRegexp, m.Name, regexp.QuoteMeta(value))
		}
	}
	return out
}

// stored takes the external labels off again.
func (r *Reader) stored(l labels.Labels) labels.Labels {
	if len(r.external) == 0 {
		return l
	}
	b := labels.NewBuilder(l)
	for name, value := range r.external {
		if l.Get(name) == value {
			b.Del(name)
		}
	}
	return b.Labels()
}

// streamed reads an answer that is streamed in chunks. Large series come in
// several parts, one after the other.
func (r *Reader) streamed(answer io.Reader) ([]storage.Series, error) {
	var out []*chunkedSeries
	frames := remote.NewChunkedReader(answer, maxFrame, nil)
	scratch := labels.NewScratchBuilder(0)
	for {
		part := &prompb.ChunkedReadResponse{}
		if err := frames.NextProto(part); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("the answer broke off: %w", err)
		}
		for _, s := range part.ChunkedSeries {
			l := r.stored(s.ToLabels(&scratch, nil))
			if len(out) == 0 || !labels.Equal(out[len(out)-1].labels, l) {
				out = append(out, &chunkedSeries{labels: l})
			}
			last := out[len(out)-1]
			for _, c := range s.Chunks {
				chunk, err := chunkenc.FromData(chunkenc.Encoding(c.Type), c.Data)
				if err != nil {
					return nil, fmt.Errorf("a chunk of %s: %w", l, err)
				}
				last.chunks = append(last.chunks, chunk)
			}
		}
	}
	series := make([]storage.Series, len(out))
	for i, s := range out {
		series[i] = s
	}
	return sorted(series)
}

// sampled reads an answer of a server that cannot stream.
func (r *Reader) sampled(answer io.Reader) ([]storage.Series, error) {
	compressed, err := io.ReadAll(answer)
	if err != nil {
		return nil, err
	}
	body, err := snappy.Decode(nil, compressed)
	if err != nil {
		return nil, fmt.Errorf("decompress the answer: %w", err)
	}
	var response prompb.ReadResponse
	if err := response.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("the answer is not one of remote read: %w", err)
	}
	if len(response.Results) != 1 {
		return nil, fmt.Errorf("the answer has %d results for one query", len(response.Results))
	}
	var out []storage.Series
	set := remote.FromQueryResult(true, response.Results[0])
	for set.Next() {
		s := set.At()
		out = append(out, &storage.SeriesEntry{Lset: r.stored(s.Labels()), SampleIteratorFn: s.Iterator})
	}
	if err := set.Err(); err != nil {
		return nil, err
	}
	return sorted(out)
}

// sorted sorts the series: without external labels they may stand in another
// order than with them.
func sorted(series []storage.Series) ([]storage.Series, error) {
	slices.SortFunc(series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	for i := 1; i < len(series); i++ {
		if labels.Equal(series[i-1].Labels(), series[i].Labels()) {
			return nil, fmt.Errorf("the series %s comes twice", series[i].Labels())
		}
	}
	return series, nil
}

// chunkedSeries is a series as it was streamed.
type chunkedSeries struct {
	labels labels.Labels
	chunks []chunkenc.Iterable
}

// Labels implements storage.Series.
func (s *chunkedSeries) Labels() labels.Labels { return s.labels }

// Iterator implements storage.Series.
func (s *chunkedSeries) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	return storage.ChainSampleIteratorFromIterables(it, s.chunks)
}

type counter struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}
