// Package githubtest is a GitHub for tests: the part of its REST API that
// makes branches, commits, pull requests and comments, with real state behind
// it. In go requests as GitHub's documentation has them; out come its answers,
// those that say no included.
package githubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// Server holds one repository, example/monitoring, with the default branch
// main.
type Server struct {
	*httptest.Server
	Token string // that it takes
	// Permissions of the token: contents, pull_requests, issues; none, read or
	// write. What is not in it may be written.
	Permissions map[string]string
	// Collaborators may be asked for reviews.
	Collaborators []string
	NoDrafts      bool
	// Intercept is called before each request with its number, from 1. It may
	// answer in the server's place, and then returns true.
	Intercept func(n int, w http.ResponseWriter, r *http.Request) bool
	// HangUpAfter closes the connection instead of answering the request of
	// that number, after it has been carried out; 0 never does.
	HangUpAfter int

	mu       sync.Mutex
	requests []string
	writes   []string
	objects  objects
	refs     map[string]string // full name to commit
	pulls    []*Pull
	comments []*Comment
}

// Repository is the name of the repository.
const Repository = "example/monitoring"

// New starts a server with a commit on main. It runs until Close is called.
func New() *Server {
	s := &Server{Token: "ghp_verysecret", Permissions: map[string]string{}, Collaborators: []string{"alice"}, objects: newObjects(), refs: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	s.Commit("main", "begin", map[string]string{"README.md": "# Monitoring\n"})
	return s
}

// failure is an answer that says no.
type failure struct {
	status  int
	message string
	errors  []map[string]string
}

func notFound() *failure { return &failure{status: http.StatusNotFound, message: "Not Found"} }

func invalid(message string) *failure {
	return &failure{status: http.StatusUnprocessableEntity, message: message}
}

func validation(resource, message string) *failure {
	return &failure{http.StatusUnprocessableEntity, "Validation Failed", []map[string]string{{"resource": resource, "code": "custom", "message": message}}}
}

// handler carries out a request and returns the status and the answer.
type handler func(w http.ResponseWriter, r *http.Request, body map[string]any) (int, any, *failure)

// routes returns the part of the API that there is, with the permission that
// each takes.
func (s *Server) routes() map[string]struct {
	needs  string
	handle handler
} {
	return map[string]struct {
		needs  string
		handle handler
	}{
		"GET /repos/{owner}/{repo}":                                     {"metadata=read", s.getRepository},
		"GET /repos/{owner}/{repo}/git/ref/{ref...}":                    {"contents=read", s.getRef},
		"POST /repos/{owner}/{repo}/git/refs":                           {"contents=write", s.createRef},
		"PATCH /repos/{owner}/{repo}/git/refs/{ref...}":                 {"contents=write", s.updateRef},
		"GET /repos/{owner}/{repo}/git/commits/{sha}":                   {"contents=read", s.getCommit},
		"POST /repos/{owner}/{repo}/git/commits":                        {"contents=write", s.createCommit},
		"GET /repos/{owner}/{repo}/git/trees/{sha}":                     {"contents=read", s.getTree},
		"POST /repos/{owner}/{repo}/git/trees":                          {"contents=write", s.createTree},
		"POST /repos/{owner}/{repo}/git/blobs":                          {"contents=write", s.createBlob},
		"GET /repos/{owner}/{repo}/pulls":                               {"pull_requests=read", s.listPulls},
		"POST /repos/{owner}/{repo}/pulls":                              {"pull_requests=write", s.createPull},
		"PATCH /repos/{owner}/{repo}/pulls/{number}":                    {"pull_requests=write", s.updatePull},
		"POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers": {"pull_requests=write", s.requestReviewers},
		"GET /repos/{owner}/{repo}/issues/{number}/comments":            {"issues=read", s.listComments},
		"POST /repos/{owner}/{repo}/issues/{number}/comments":           {"issues=write", s.createComment},
		"PATCH /repos/{owner}/{repo}/issues/comments/{id}":              {"issues=write", s.updateComment},
		"POST /repos/{owner}/{repo}/issues/{number}/labels":             {"issues=write", s.addLabels},
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	n := len(s.requests)
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "4999")
	w.Header().Set("X-RateLimit-Reset", "1795426207")
	if s.Intercept != nil && s.Intercept(n, w, r) {
		return
	}
	mux := http.NewServeMux()
	for pattern, route := range s.routes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, answer, failed := s.permit(w, r, route.needs)
			if failed == nil {
				status, answer, failed = s.carryOut(w, r, route.handle)
			}
			if n == s.HangUpAfter {
				panic(http.ErrAbortHandler)
			}
			if failed != nil {
				status = failed.status
				answer = map[string]any{"message": failed.message, "errors": failed.errors, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(answer) // the client is gone: nothing to do
		})
	}
	mux.ServeHTTP(w, r)
}

// permit checks who asks, and whether the token may do that.
func (s *Server) permit(w http.ResponseWriter, r *http.Request, needs string) (int, any, *failure) {
	if r.Header.Get("Authorization") != "Bearer "+s.Token {
		return 0, nil, &failure{status: http.StatusUnauthorized, message: "Bad credentials"}
	}
	if r.PathValue("owner")+"/"+r.PathValue("repo") != Repository {
		return 0, nil, notFound()
	}
	w.Header().Set("X-Accepted-GitHub-Permissions", needs)
	scope, level, _ := strings.Cut(needs, "=")
	switch has, limited := s.Permissions[scope]; {
	case limited && has == "none" && level == "read":
		return 0, nil, notFound()
	case limited && has != "write" && level == "write":
		return 0, nil, &failure{status: http.StatusForbidden, message: "Resource not accessible by personal access token"}
	}
	return 0, nil, nil
}

func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, handle handler) (int, any, *failure) {
	var body map[string]any
	if r.Method != http.MethodGet {
		s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		var value any
		if err := json.NewDecoder(r.Body).Decode(&value); err != nil {
			return 0, nil, &failure{status: http.StatusBadRequest, message: "Problems parsing JSON"}
		}
		switch v := value.(type) {
		case map[string]any:
			body = v
		case []any: // labels may come without an object around them
			body = map[string]any{"labels": v}
		}
	}
	return handle(w, r, body)
}

// page returns what of n things the query asks for, and says in a header
// where the next ones are.
func (s *Server) page(w http.ResponseWriter, r *http.Request, n int) (from, to int) {
	number := func(name string, standard int) int {
		if v, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && v > 0 {
			return v
		}
		return standard
	}
	size, page := min(100, number("per_page", 30)), number("page", 1)
	from, to = min(n, (page-1)*size), min(n, page*size)
	if to < n {
		next := *r.URL
		q := next.Query()
		q.Set("page", strconv.Itoa(page+1))
		next.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, s.URL, next.String()))
	}
	return from, to
}

func (s *Server) getRepository(http.ResponseWriter, *http.Request, map[string]any) (int, any, *failure) {
	return http.StatusOK, map[string]any{"full_name": Repository, "default_branch": "main"}, nil
}

// text returns a field of a request that is a string, or "".
func text(body map[string]any, field string) string {
	s, _ := body[field].(string)
	return s
}

// texts returns a field of a request that is a list of strings.
func texts(body map[string]any, field string) []string {
	list, _ := body[field].([]any)
	var out []string
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
