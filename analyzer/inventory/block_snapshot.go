package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// snapshotOptions say how to reach the server that makes snapshots.
type snapshotOptions struct {
	promapi.Config `yaml:",inline"`
}

// UnmarshalYAML reads the options over their defaults.
func (o *snapshotOptions) UnmarshalYAML(node *yaml.Node) error {
	type plain snapshotOptions
	p := plain{promapi.DefaultConfig()}
	p.Timeout = model.Duration(5 * time.Minute) // it waits for a compaction that runs
	if err := node.Load(&p, yaml.WithKnownFields()); err != nil {
		return err
	}
	*o = snapshotOptions(p)
	return nil
}

// snapshots makes the server of a data directory write snapshots.
type snapshots struct {
	dir    string // the data directory
	env    source.Env
	client *promapi.Client
}

func newSnapshots(o *blockOptions, env source.Env) (*snapshots, error) {
	if len(o.Blocks) > 0 || o.Head != nil {
		return nil, errors.New("snapshot and blocks or head exclude each other: a snapshot is read as a whole, and the head is one of its blocks")
	}
	o.Snapshot.Answered = func() { env.Meter.Add(1, "requests") }
	client, err := promapi.New(o.Snapshot.Config, env.Dir, env.Logger, env.Now)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return &snapshots{dir: env.Path(o.Path), env: env, client: client}, nil
}

// make makes a snapshot and returns its directory. Nobody deletes it but the
// operator, who is reminded when there are several.
func (s *snapshots) make(ctx context.Context) (string, []sentei.Problem, error) {
	defer s.client.Close()
	ctx, cancel := s.client.WithBudget(ctx)
	defer cancel()
	name, err := s.client.Snapshot(ctx)
	if err != nil {
		return "", nil, err
	}
	all := filepath.Join(s.dir, "snapshots")
	dir := filepath.Join(all, name)
	s.env.Logger.Info("the server has made a snapshot, which stays until you delete it", "dir", dir)
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("the server at %s has made the snapshot %s, but it is not here: is path its --storage.tsdb.path, and the volume mounted here? The snapshot stays on the server until you delete it",
			s.client.URL(), name)
	case err != nil:
		return "", nil, fmt.Errorf("read snapshot: %w", err)
	case len(entries) == 0:
		return "", nil, fmt.Errorf("the snapshot %s is empty: the server has no samples yet", dir)
	}
	var problems []sentei.Problem
	if others, err := os.ReadDir(all); err == nil && len(others) > 1 {
		problems = append(problems, s.env.Problem(sentei.Problem{
			Where:   all,
			Message: "there are older snapshots, which keep the space of deleted blocks taken",
			Hint:    "delete those that nobody needs: every scan makes one, and sentei never deletes anything",
		}))
	}
	return dir, problems, nil
}
