package grafana

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/sentei/sentei/internal/tree"
)

// configMap reads the dashboards in a ConfigMap or Secret. Keys that name a
// JSON file must hold something known; of others, only what is known is read.
func (r *reader) configMap(o *tree.Value, files []tree.Field) bool {
	known := false
	for _, f := range files {
		where := fmt.Sprintf("%s, key %s", tree.Name(o), f.Key)
		isJSON := strings.EqualFold(path.Ext(f.Key), ".json")
		if isYAML(f.Key) {
			known = r.yaml(f.Value, where) || known
			continue
		}
		if start := strings.TrimSpace(f.Value.Text); !isJSON && !strings.HasPrefix(start, "{") && !strings.HasPrefix(start, "[") {
			continue
		}
		doc, err := f.Value.ParseJSON()
		switch {
		case err != nil && isJSON:
			r.syntax(where, f.Value, err)
		case err != nil:
		case r.object(doc):
			known = true
		case isJSON:
			r.issue(doc, hintLeaveOut, "%s is no dashboard, but %s", where, describe(doc))
		}
	}
	return known
}

func (r *reader) yaml(v *tree.Value, where string) bool {
	docs, err := v.ParseYAML()
	if err != nil {
		r.syntax(where, v, err)
	}
	known := false
	for _, doc := range docs {
		known = r.object(doc) || known
	}
	return known
}

// syntax adds a syntax error in an embedded file.
func (r *reader) syntax(where string, v *tree.Value, err error) {
	line := v.Line
	if e, ok := errors.AsType[*tree.SyntaxError](err); ok && e.Line > 0 {
		line = e.Line
		err = errors.New(e.Message)
	}
	r.file.Issues = append(r.file.Issues, tree.Issue{Line: line, Message: fmt.Sprintf("%s: %v", where, err), Blocking: true})
}

// operator reads the objects of the Grafana operator: GrafanaDashboard,
// GrafanaLibraryPanel, GrafanaAlertRuleGroup.
func (r *reader) operator(o, spec *tree.Value) bool {
	where := tree.Name(o)
	text := spec.Get("json")
	if packed := spec.Get("gzipJson"); text == nil && packed != nil {
		var err error
		if text, err = unpack(packed); err != nil {
			r.issue(packed, "", "%s: unpack gzipJson: %v", where, err)
			return true
		}
	}
	switch {
	case text != nil:
		doc, err := text.ParseJSON()
		if err != nil {
			r.syntax(where, text, err)
			return true
		}
		if o.Get("kind").Str() == "GrafanaLibraryPanel" && !doc.Has("model") {
			uid := spec.Get("uid").Scalar()
			if uid == "" {
				uid = doc.Get("uid").Scalar()
			}
			r.file.Panels = append(r.file.Panels, &LibraryPanel{UID: uid, Name: doc.Get("title").Str(), file: r.name, model: doc})
			return true
		}
		if !r.object(doc) {
			r.issue(doc, hintLeaveOut, "%s is no dashboard, but %s", where, describe(doc))
		}
		return true
	case o.Get("kind").Str() == "GrafanaDashboard", o.Get("kind").Str() == "GrafanaLibraryPanel":
		r.issue(o, "export the dashboard from Grafana and give that file instead", "%s is defined elsewhere (url, jsonnet, grafanaCom or configMapRef)", where)
		return true
	}
	return r.alerts(spec)
}

// maxUnpacked bounds a dashboard that was packed by gzip, in bytes.
const maxUnpacked = 64 << 20

func unpack(v *tree.Value) (*tree.Value, error) {
	packed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.Scalar()), ""))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxUnpacked {
		return nil, fmt.Errorf("larger than %d MiB", maxUnpacked>>20)
	}
	return &tree.Value{Kind: tree.String, Line: v.Line, Text: string(text)}, nil
}
