package githubtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBody is how many characters a description or a comment may have.
const maxBody = 65536

// Pull is a pull request.
type Pull struct {
	Number            int
	State             string // open or closed
	Title, Body       string
	Head, Base        string // branches
	HeadSHA           string // of a closed one: GitHub keeps its commits
	Draft             bool
	Labels, Reviewers []string
}

// Comment is a comment on a pull request.
type Comment struct {
	ID     int64
	Pull   int
	Author string
	Body   string
}

// me is who the token belongs to.
const me = "sentei-bot"

func (s *Server) pullJSON(p *Pull) map[string]any {
	head := p.HeadSHA
	if p.State == "open" {
		head = s.refs["refs/heads/"+p.Head]
	}
	labels := []map[string]any{}
	for _, l := range p.Labels {
		labels = append(labels, map[string]any{"name": l})
	}
	branch := func(ref, sha string) map[string]any {
		return map[string]any{"ref": ref, "sha": sha, "label": "example:" + ref, "repo": map[string]any{"full_name": Repository}}
	}
	return map[string]any{
		"number": p.Number, "state": p.State, "title": p.Title, "body": p.Body, "draft": p.Draft, "labels": labels,
		"head": branch(p.Head, head), "base": branch(p.Base, s.refs["refs/heads/"+p.Base]),
		"html_url": fmt.Sprintf("https://github.com/%s/pull/%d", Repository, p.Number), "user": map[string]any{"login": me},
	}
}

func (s *Server) pull(r *http.Request) *Pull {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(s.pulls) {
		return nil
	}
	return s.pulls[n-1]
}

func (s *Server) listPulls(w http.ResponseWriter, r *http.Request, _ map[string]any) (int, any, *failure) {
	q := r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	list := []map[string]any{}
	for _, p := range slices.Backward(s.pulls) { // the newest first
		if (state == "all" || p.State == state) && (q.Get("head") == "" || q.Get("head") == "example:"+p.Head) && (q.Get("base") == "" || q.Get("base") == p.Base) {
			list = append(list, s.pullJSON(p))
		}
	}
	from, to := s.page(w, r, len(list))
	return http.StatusOK, list[from:to], nil
}

func (s *Server) createPull(_ http.ResponseWriter, _ *http.Request, body map[string]any) (int, any, *failure) {
	draft, _ := body["draft"].(bool)
	p := &Pull{Number: len(s.pulls) + 1, State: "open", Title: text(body, "title"), Body: text(body, "body"), Head: text(body, "head"), Base: text(body, "base"), Draft: draft}
	head, ok := s.refs["refs/heads/"+p.Head]
	base, known := s.refs["refs/heads/"+p.Base]
	switch {
	case !ok || !known:
		return 0, nil, &failure{http.StatusUnprocessableEntity, "Validation Failed", []map[string]string{{"resource": "PullRequest", "field": "head", "code": "invalid"}}}
	case draft && s.NoDrafts:
		return 0, nil, invalid("Draft pull requests are not supported in this repository.")
	case slices.ContainsFunc(s.pulls, func(o *Pull) bool { return o.State == "open" && o.Head == p.Head && o.Base == p.Base }):
		return 0, nil, validation("PullRequest", "A pull request already exists for example:"+p.Head+".")
	case s.objects.reaches(base, head):
		return 0, nil, validation("PullRequest", "No commits between "+p.Base+" and "+p.Head)
	}
	if f := checkPull(p); f != nil {
		return 0, nil, f
	}
	s.pulls = append(s.pulls, p)
	return http.StatusCreated, s.pullJSON(p), nil
}

func checkPull(p *Pull) *failure {
	if strings.TrimSpace(p.Title) == "" {
		return &failure{http.StatusUnprocessableEntity, "Validation Failed", []map[string]string{{"resource": "PullRequest", "field": "title", "code": "missing_field"}}}
	}
	if utf8.RuneCountInString(p.Title) > 256 {
		return validation("PullRequest", "title is too long (maximum is 256 characters)")
	}
	if utf8.RuneCountInString(p.Body) > maxBody {
		return validation("PullRequest", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

func (s *Server) updatePull(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	p := s.pull(r)
	if p == nil {
		return 0, nil, notFound()
	}
	changed := *p
	for field, to := range map[string]*string{"title": &changed.Title, "body": &changed.Body, "base": &changed.Base, "state": &changed.State} {
		if _, given := body[field]; given {
			*to = text(body, field)
		}
	}
	if _, ok := s.refs["refs/heads/"+changed.Base]; !ok || changed.Base != p.Base && changed.State == "closed" {
		return 0, nil, validation("PullRequest", "Cannot change base branch of closed pull request")
	}
	if changed.State != "open" && changed.State != "closed" {
		return 0, nil, validation("PullRequest", "state is invalid")
	}
	if f := checkPull(&changed); f != nil {
		return 0, nil, f
	}
	if changed.State == "closed" && p.State == "open" {
		changed.HeadSHA = s.refs["refs/heads/"+p.Head]
	}
	*p = changed
	return http.StatusOK, s.pullJSON(p), nil
}

func (s *Server) requestReviewers(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	p := s.pull(r)
	if p == nil {
		return 0, nil, notFound()
	}
	for _, login := range texts(body, "reviewers") {
		if login == me {
			return 0, nil, invalid("Review cannot be requested from pull request author.")
		}
		if !slices.Contains(s.Collaborators, login) {
			return 0, nil, invalid("Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " + Repository + " repository.")
		}
		if !slices.Contains(p.Reviewers, login) {
			p.Reviewers = append(p.Reviewers, login)
		}
	}
	return http.StatusCreated, s.pullJSON(p), nil
}

func commentJSON(c *Comment) map[string]any {
	return map[string]any{"id": c.ID, "body": c.Body, "user": map[string]any{"login": c.Author}}
}

func (s *Server) listComments(w http.ResponseWriter, r *http.Request, _ map[string]any) (int, any, *failure) {
	p := s.pull(r)
	if p == nil {
		return 0, nil, notFound()
	}
	list := []map[string]any{}
	for _, c := range s.comments {
		if c.Pull == p.Number {
			list = append(list, commentJSON(c))
		}
	}
	from, to := s.page(w, r, len(list))
	return http.StatusOK, list[from:to], nil
}

func checkComment(body string) *failure {
	if strings.TrimSpace(body) == "" {
		return &failure{http.StatusUnprocessableEntity, "Validation Failed", []map[string]string{{"resource": "IssueComment", "field": "body", "code": "missing_field"}}}
	}
	if utf8.RuneCountInString(body) > maxBody {
		return validation("IssueComment", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

func (s *Server) createComment(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	p := s.pull(r)
	if p == nil {
		return 0, nil, notFound()
	}
	if f := checkComment(text(body, "body")); f != nil {
		return 0, nil, f
	}
	c := &Comment{int64(len(s.comments) + 1), p.Number, me, text(body, "body")}
	s.comments = append(s.comments, c)
	return http.StatusCreated, commentJSON(c), nil
}

func (s *Server) updateComment(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	for _, c := range s.comments {
		if strconv.FormatInt(c.ID, 10) != r.PathValue("id") {
			continue
		}
		if f := checkComment(text(body, "body")); f != nil {
			return 0, nil, f
		}
		c.Body = text(body, "body")
		return http.StatusOK, commentJSON(c), nil
	}
	return 0, nil, notFound()
}

func (s *Server) addLabels(_ http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure) {
	p := s.pull(r)
	if p == nil {
		return 0, nil, notFound()
	}
	for _, l := range texts(body, "labels") {
		if !slices.Contains(p.Labels, l) {
			p.Labels = append(p.Labels, l)
		}
	}
	return http.StatusOK, s.pullJSON(p)["labels"], nil
}
