package githubtest

import (
	"crypto/sha1" // as git names objects
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// objects is what git stores, by name.
type objects struct {
	blobs   map[string][]byte
	trees   map[string][]entry
	commits map[string]commit
}

type entry struct{ name, mode, kind, sha string }

type commit struct {
	tree, message string
	parents       []string
	number        int // stands for the date: no two commits are alike
}

func newObjects() objects {
	return objects{map[string][]byte{}, map[string][]entry{}, map[string]commit{}}
}

func name(kind string, content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

func (o *objects) blob(content []byte) string {
	sha := name("blob", content)
	o.blobs[sha] = content
	return sha
}

// tree stores the tree of files given by path, and the trees in it.
func (o *objects) tree(files map[string]entry) string {
	below := map[string]map[string]entry{}
	var list []entry
	for path, e := range files {
		folder, rest, deep := strings.Cut(path, "/")
		if !deep {
			e.name = path
			list = append(list, e)
			continue
		}
		if below[folder] == nil {
			below[folder] = map[string]entry{}
		}
		below[folder][rest] = e
	}
	for folder, files := range below {
		list = append(list, entry{folder, "040000", "tree", o.tree(files)})
	}
	order := func(e entry) string {
		if e.kind == "tree" {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(order(a), order(b)) })
	var content []byte
	for _, e := range list {
		raw, _ := hex.DecodeString(e.sha)
		content = append(content, strings.TrimPrefix(e.mode, "0")+" "+e.name+"\x00"+string(raw)...)
	}
	sha := name("tree", content)
	o.trees[sha] = list
	return sha
}

// files returns what lies in a tree, by path.
func (o *objects) files(tree string) map[string]entry {
	out := map[string]entry{}
	for _, e := range o.trees[tree] {
		if e.kind != "tree" {
			out[e.name] = e
			continue
		}
		for path, below := range o.files(e.sha) {
			out[e.name+"/"+path] = below
		}
	}
	return out
}

func (o *objects) commit(tree, message string, parents []string) string {
	c := commit{tree, message, parents, len(o.commits)}
	sha := name("commit", fmt.Appendf(nil, "tree %s\nparents %s\ndate %d\n\n%s", tree, parents, c.number, message))
	o.commits[sha] = c
	return sha
}

// reaches reports whether one commit is another, or comes after it.
func (o *objects) reaches(from, to string) bool {
	return from == to || slices.ContainsFunc(o.commits[from].parents, func(p string) bool { return o.reaches(p, to) })
}

func refJSON(ref, sha string) map[string]any {
	return map[string]any{"ref": ref, "object": map[string]any{"type": "commit", "sha": sha}}
}

func (s *Server) getRef(_ http.ResponseWriter, r *http.Request, _ map[string]any) (int, any, *failure) {
	ref := "refs/" + r.PathValue("ref")
	sha, ok := s.refs[ref]
	if !ok {
		return 0, nil, notFound()
	}
	return http.StatusOK, refJSON(ref, sha), nil
}

func (s *Server) createRef(_ http.ResponseWriter, _ *http.Request, body map[string]any) (int, any, *failure) {
	ref, sha := text(body, "ref"), text(body, "sha")
	if !strings.HasPrefix(ref, "refs/heads/") {
		return 0, nil, invalid("Reference name must start with 'refs/' and contain at least two slashes.")
	}
	if _, ok := s.objects.commits[sha]; !ok {
		return 0, nil, invalid("Object does not exist")
	}
	if _, ok := s.refs[ref]; ok {
		return 0, nil, invalid("Reference already exists")
	}
	for other := range s.refs {
		if strings.HasPrefix(other, ref+"/") || strings.HasPrefix(ref, other+"/") {
			return 0, nil, invalid("Reference cannot be updated")
		}
	}
	s.refs[ref] = sha
	return http.StatusCreated, refJSON(ref, sha), nil
}

func (s *Server) updateRef(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	ref, sha := "refs/"+r.PathValue("ref"), text(body, "sha")
	old, ok := s.refs[ref]
	if !ok {
		return 0, nil, invalid("Reference does not exist")
	}
	if _, ok := s.objects.commits[sha]; !ok {
		return 0, nil, invalid("Object does not exist")
	}
	if force, _ := body["force"].(bool); !force && !s.objects.reaches(sha, old) {
		return 0, nil, invalid("Update is not a fast forward")
	}
	s.refs[ref] = sha
	return http.StatusOK, refJSON(ref, sha), nil
}

func (s *Server) commitJSON(sha string) map[string]any {
	c := s.objects.commits[sha]
	parents := []map[string]any{}
	for _, p := range c.parents {
		parents = append(parents, map[string]any{"sha": p})
	}
	return map[string]any{"sha": sha, "message": c.message, "tree": map[string]any{"sha": c.tree}, "parents": parents}
}

func (s *Server) getCommit(_ http.ResponseWriter, r *http.Request, _ map[string]any) (int, any, *failure) {
	if _, ok := s.objects.commits[r.PathValue("sha")]; !ok {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.commitJSON(r.PathValue("sha")), nil
}

func (s *Server) createCommit(_ http.ResponseWriter, _ *http.Request, body map[string]any) (int, any, *failure) {
	tree, parents := text(body, "tree"), texts(body, "parents")
	if _, ok := s.objects.trees[tree]; !ok {
		return 0, nil, invalid("Tree SHA does not exist")
	}
	for _, p := range parents {
		if _, ok := s.objects.commits[p]; !ok {
			return 0, nil, invalid("Parent SHA does not exist or is not a commit object")
		}
	}
	return http.StatusCreated, s.commitJSON(s.objects.commit(tree, text(body, "message"), parents)), nil
}

func (s *Server) treeJSON(sha string) map[string]any {
	list := []map[string]any{}
	for _, e := range s.objects.trees[sha] {
		list = append(list, map[string]any{"path": e.name, "mode": e.mode, "type": e.kind, "sha": e.sha})
	}
	return map[string]any{"sha": sha, "tree": list, "truncated": false}
}

func (s *Server) getTree(_ http.ResponseWriter, r *http.Request, _ map[string]any) (int, any, *failure) {
	if _, ok := s.objects.trees[r.PathValue("sha")]; !ok {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.treeJSON(r.PathValue("sha")), nil
}

func (s *Server) createTree(_ http.ResponseWriter, _ *http.Request, body map[string]any) (int, any, *failure) {
	base := text(body, "base_tree")
	if _, ok := s.objects.trees[base]; base != "" && !ok {
		return 0, nil, notFound()
	}
	files := s.objects.files(base)
	list, _ := body["tree"].([]any)
	if len(list) == 0 {
		return 0, nil, invalid("Invalid tree info")
	}
	for _, item := range list {
		e, _ := item.(map[string]any)
		path, sha := text(e, "path"), text(e, "sha")
		if path == "" || path[0] == '/' || slices.Contains(strings.Split(path, "/"), "..") {
			return 0, nil, invalid("tree.path contains a malformed path component")
		}
		if _, ok := s.objects.blobs[sha]; !ok {
			return 0, nil, invalid("tree.sha " + sha + " is not a valid blob")
		}
		files[path] = entry{mode: text(e, "mode"), kind: "blob", sha: sha}
	}
	return http.StatusCreated, s.treeJSON(s.objects.tree(files)), nil
}

func (s *Server) createBlob(_ http.ResponseWriter, _ *http.Request, body map[string]any) (int, any, *failure) {
	content := []byte(text(body, "content"))
	if text(body, "encoding") == "base64" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(string(content)); err != nil {
			return 0, nil, invalid("content is not valid Base64")
		}
	}
	return http.StatusCreated, map[string]any{"sha": s.objects.blob(content)}, nil
}
