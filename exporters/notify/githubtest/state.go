package githubtest

import (
	"maps"
	"slices"
)

// Commit adds a commit to a branch, which is made from main when there is
// none, and returns its name. Content that begins with "mode 120000 " and the
// like has that mode.
func (s *Server) Commit(branch, message string, files map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := "refs/heads/" + branch
	parent, ok := s.refs[ref]
	if !ok {
		parent = s.refs["refs/heads/main"]
	}
	all := map[string]entry{}
	var parents []string
	if parent != "" {
		all = s.objects.files(s.objects.commits[parent].tree)
		parents = []string{parent}
	}
	for path, content := range files {
		mode := "100644"
		if len(content) > 12 && content[:5] == "mode " {
			mode, content = content[5:11], content[12:]
		}
		kind := "blob"
		if mode == "160000" {
			kind = "commit"
		}
		all[path] = entry{mode: mode, kind: kind, sha: s.objects.blob([]byte(content))}
	}
	s.refs[ref] = s.objects.commit(s.objects.tree(all), message, parents)
	return s.refs[ref]
}

// Merge merges an open pull request as GitHub's button does, by squashing, and
// leaves its branch.
func (s *Server) Merge(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[number-1]
	p.HeadSHA = s.refs["refs/heads/"+p.Head]
	p.State = "closed"
	base := "refs/heads/" + p.Base
	s.refs[base] = s.objects.commit(s.objects.commits[p.HeadSHA].tree, p.Title, []string{s.refs[base]})
}

// AddComment writes a comment as somebody else.
func (s *Server) AddComment(number int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments = append(s.comments, &Comment{int64(len(s.comments) + 1), number, "alice", body})
}

// Branch is what a branch holds.
type Branch struct {
	Files   map[string]string
	Modes   map[string]string // other than 100644
	Message string            // of its newest commit
	// Parent is what the newest commit stands on: a branch, or a commit.
	Parent string
}

// State is everything that can be seen, free of what differs from run to run.
type State struct {
	Branches map[string]Branch
	Pulls    []Pull
	Comments []Comment
}

// State returns what there is now.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := State{Branches: map[string]Branch{}}
	for ref, sha := range s.refs {
		c := s.objects.commits[sha]
		b := Branch{Files: map[string]string{}, Modes: map[string]string{}, Message: c.message}
		for path, e := range s.objects.files(c.tree) {
			b.Files[path] = string(s.objects.blobs[e.sha])
			if e.mode != "100644" {
				b.Modes[path] = e.mode
			}
		}
		for _, p := range c.parents {
			b.Parent += s.describe(p)
		}
		out.Branches[ref[len("refs/heads/"):]] = b
	}
	for _, p := range s.pulls {
		pull := *p
		pull.HeadSHA = "" // differs
		pull.Labels, pull.Reviewers = slices.Clone(p.Labels), slices.Clone(p.Reviewers)
		out.Pulls = append(out.Pulls, pull)
	}
	for _, c := range s.comments {
		out.Comments = append(out.Comments, *c)
	}
	return out
}

// describe names a commit: after the branch that it is the newest of, or by its
// message.
func (s *Server) describe(sha string) string {
	for _, ref := range slices.Sorted(maps.Keys(s.refs)) {
		if s.refs[ref] == sha {
			return ref
		}
	}
	return s.objects.commits[sha].message
}

// Requests returns the requests so far, and those of them that write.
func (s *Server) Requests() (all, writes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests), slices.Clone(s.writes)
}
