package main

import (
	"context"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/store"
)

// keepFile puts a report into a store, as a scan of its instant would have:
// keepfile STORE FILE
func keepFile(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	r, err := sentei.DecodeReport([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	st, err := store.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = st.SaveReport(ctx, r)
	ts.Check(err)
	ts.Check(st.Close())
}
