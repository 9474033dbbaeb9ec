package querylog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

var errSplit = errors.New("split by the container runtime because of its length")

// unwrapping removes the envelope that a container runtime puts around the
// lines of standard output: a prefix (CRI), or a JSON object (Docker).
func unwrapping(parse func([]byte, *entry) error) func([]byte, *entry) error {
	return func(line []byte, e *entry) error {
		line = trimLine(line)
		inner, at, err := unwrap(line)
		if err != nil {
			return err
		}
		if at == "" {
			return parse(line, e)
		}
		if err := parse(trimLine(inner), e); err != nil {
			return err
		}
		if e.time == noTime {
			e.time, err = parseTime(at)
		}
		return err
	}
}

// unwrap returns the line in the envelope and the time on it, which is empty
// when there is no envelope.
func unwrap(line []byte) (inner []byte, at string, err error) {
	switch {
	case bytes.HasPrefix(line, []byte(`{"log":`)):
		var l struct {
			Log  string `json:"log"`
			Time string `json:"time"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, "", fmt.Errorf("not the JSON of a container log: %w", err)
		}
		if !strings.HasSuffix(l.Log, "\n") {
			return nil, "", errSplit
		}
		return []byte(l.Log), l.Time, nil
	case len(line) > 0 && '0' <= line[0] && line[0] <= '9':
		fields := bytes.SplitN(line, []byte(" "), 4)
		if len(fields) < 4 || string(fields[1]) != "stdout" && string(fields[1]) != "stderr" {
			return nil, "", nil
		}
		if string(fields[2]) != "F" {
			return nil, "", errSplit
		}
		return fields[3], string(fields[0]), nil
	}
	return nil, "", nil
}
