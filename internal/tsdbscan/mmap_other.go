//go:build !unix

package tsdbscan

import (
	"errors"
	"os"
)

// mapFile always fails: files are read through a buffer here.
func mapFile(*os.File, int64, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }
