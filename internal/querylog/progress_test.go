package querylog

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	line := `{"params":{"end":"2026-11-01T00:00:00Z","query":"up","start":"2026-11-01T00:00:00Z","step":0},"ts":"2026-11-01T00:00:00Z"}` + "\n"
	text := strings.Repeat(line, 3*blockSize/len(line))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"a.log": text, "b.log.gz": zipped.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := int64(len(text) + zipped.Len())
	var calls int
	var last int64
	_, err := Read(t.Context(), Options{Patterns: []string{filepath.Join(dir, "*")}, Progress: func(done, total int64) {
		if done < last || total != want {
			t.Errorf("%d of %d after %d; all are %d", done, total, last, want)
		}
		calls++
		last = done
	}})
	if err != nil {
		t.Fatal(err)
	}
	if last != want || calls < 4 {
		t.Errorf("%d calls, the last with %d of %d", calls, last, want)
	}
}
