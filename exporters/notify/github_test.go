package notify

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sentei/sentei/exporters/notify/githubtest"
)

func newGitHubServer(t testing.TB) *githubtest.Server {
	t.Helper()
	s := githubtest.New()
	t.Cleanup(s.Close)
	return s
}

// githubOn returns a channel to the server, with more options.
func githubOn(s *githubtest.Server, more string) (Channel, error) {
	return build("github", "/nowhere", fmt.Sprintf("{repository: %s, token: ghp_verysecret, api_url: %s, path_prefix: deploy, labels: [sentei], reviewers: [alice]%s}",
		githubtest.Repository, s.URL, more))
}

func mustGitHub(t testing.TB, s *githubtest.Server, more string) Channel {
	t.Helper()
	c, err := githubOn(s, more)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// edits returns a message that changes files, given as path, old and new.
func edits(texts ...string) *Message {
	m := message()
	m.Edits = nil
	for i := 0; i < len(texts); i += 3 {
		m.Edits = append(m.Edits, Edit{Path: texts[i], Backend: texts[i], Old: []byte(texts[i+1]), New: []byte(texts[i+2])})
	}
	return m
}

const ownBranch = "sentei/weekly--owner-payments"

func TestGitHub(t *testing.T) {
	s := newGitHubServer(t)
	s.Commit("main", "config", map[string]string{"deploy/prometheus.yml": "mode 100755 a: 1\r\n\xff", "deploy/rules/x.yml": "x\n", "other": "o"})
	c := mustGitHub(t, s, "")
	if got := outcome(c.Deliver(t.Context(), edits("prometheus.yml", "a: 1\r\n\xff", "a: 2\r\n\xff", "rules/x.yml", "x\n", ""))); got != "taken" {
		t.Fatal(got)
	}
	tree := map[string]string{"README.md": "# Monitoring\n", "deploy/prometheus.yml": "a: 2\r\n\xff", "deploy/rules/x.yml": "", "other": "o"}
	text := strings.TrimSpace(message().Text)
	want := githubtest.State{
		Branches: map[string]githubtest.Branch{
			"main":    s.State().Branches["main"],
			ownBranch: {Files: tree, Modes: map[string]string{"deploy/prometheus.yml": "100755"}, Parent: "refs/heads/main", Message: s.State().Branches[ownBranch].Message},
		},
		Pulls: []githubtest.Pull{{
			Number: 1, State: "open", Title: "sentei: proposals of the report weekly, owner payments", Head: ownBranch, Base: "main", Labels: []string{"sentei"}, Reviewers: []string{"alice"},
			Body: "- drop `a`\n\n---\nMade by sentei and kept up to date: each report replaces the commit and this description. Reject or snooze a proposal in sentei to have it out of here.\n",
		}},
		Comments: []githubtest.Comment{{ID: 1, Pull: 1, Author: "sentei-bot", Body: "<!-- sentei: weekly/owner-payments -->\n### Payments: 1,200 more series &lt;than&gt; last week &amp; \"more\"\n\n" + text +
			"\n\n[Open the report](<https://sentei.example.com/ui/reports/1?a=b&c=d>) · sentei, report weekly, owner payments, 2026-11-23 09:00 UTC"}},
	}
	if diff := cmp.Diff(want, s.State()); diff != "" {
		t.Error(diff)
	}
	if got := s.State().Branches[ownBranch].Message; !strings.HasPrefix(got, "sentei: proposals of the report weekly, owner payments\n\nMade by sentei") || !strings.Contains(got, "\nSentei-Tree: ") {
		t.Error(got)
	}
	// The same again changes nothing: only objects that git has already are written.
	_, before := s.Requests()
	if got := outcome(c.Deliver(t.Context(), edits("prometheus.yml", "a: 1\r\n\xff", "a: 2\r\n\xff", "rules/x.yml", "x\n", ""))); got != "taken" {
		t.Fatal(got)
	}
	_, after := s.Requests()
	for _, w := range after[len(before):] {
		if !strings.HasSuffix(w, "/git/blobs") && !strings.HasSuffix(w, "/git/trees") {
			t.Errorf("the second delivery writes: %s", w)
		}
	}
	if diff := cmp.Diff(want, s.State()); diff != "" {
		t.Error(diff)
	}
}

// worlds are the states in which a delivery may find a repository.
var worlds = map[string]struct {
	prepare func(t testing.TB, s *githubtest.Server)
	m       *Message
	want    string // outcome
}{
	"nothing yet": {nil, edits("a.yml", "old\n", "new\n"), "taken"},
	"base has moved on, other changes": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "newer\n", "b.yml", "old b\n", "new b\n"))
		s.Commit("main", "moved", map[string]string{"other": "o"})
	}, edits("a.yml", "old\n", "new\n"), "taken"},
	"nothing left": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
	}, edits(), "taken"},
	"merged, then more": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
		s.Merge(1)
	}, edits("a.yml", "new\n", "newest\n"), "taken"},
	"merged with the commits of a reviewer": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
		s.Commit(ownBranch, "fix", map[string]string{"fix": "f"})
		s.Merge(1)
	}, edits("b.yml", "old b\n", "new b\n"), "taken"},
	"one change is on main already": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n", "b.yml", "old b\n", "new b\n"))
		s.Commit("main", "by hand", map[string]string{"deploy/a.yml": "new\n"})
	}, edits("a.yml", "old\n", "new\n", "b.yml", "old b\n", "new b\n"), "taken"},
	"merged, the changes are there": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
		s.Merge(1)
	}, edits("a.yml", "old\n", "new\n"), "taken"},
	"somebody changed a file": {func(t testing.TB, s *githubtest.Server) {
		s.Commit("main", "work", map[string]string{"deploy/a.yml": "somebody's\n"})
	}, edits("a.yml", "old\n", "new\n", "b.yml", "old b\n", "new b\n"), "refused: https://github.com/example/monitoring/pull/1: left out deploy/a.yml: on the branch main it is not the file that sentei has read"},
	"somebody changed all files": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
		s.Commit("main", "work", map[string]string{"deploy/a.yml": "somebody's\n"})
	}, edits("a.yml", "old\n", "new\n"), "refused: https://github.com/example/monitoring/pull/1: left out deploy/a.yml: on the branch"},
	"commits of a reviewer": {func(t testing.TB, s *githubtest.Server) {
		deliver(t, s, edits("a.yml", "old\n", "new\n"))
		s.Commit(ownBranch, "fix", map[string]string{"fix": "f"})
	}, edits("a.yml", "old\n", "newer\n"), "refused: https://github.com/example/monitoring/pull/1: the branch " + ownBranch + " holds commits that are not sentei's"},
	"a branch of the same name": {func(_ testing.TB, s *githubtest.Server) {
		s.Commit(ownBranch, "mine", map[string]string{"mine": "m"})
	}, edits("a.yml", "old\n", "new\n"), "refused: no pull request: the branch " + ownBranch + " holds"},
	"many comments": {func(t testing.TB, s *githubtest.Server) {
		for i := range 130 {
			if i == 120 {
				deliver(t, s, edits("a.yml", "old\n", "new\n"))
			}
			s.AddComment(1, fmt.Sprint("> <!-- sentei: weekly/owner-payments -->", i))
		}
	}, edits("a.yml", "old\n", "newer\n"), "taken"},
}

func newWorld(t testing.TB, name string) *githubtest.Server {
	s := newGitHubServer(t)
	s.Commit("main", "config", map[string]string{"deploy/a.yml": "old\n", "deploy/b.yml": "old b\n"})
	if prepare := worlds[name].prepare; prepare != nil {
		prepare(t, s)
	}
	return s
}

func deliver(t testing.TB, s *githubtest.Server, m *Message) {
	t.Helper()
	m.Title = "an earlier report"
	if err := mustGitHub(t, s, "").Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// In every world a delivery may end at any of its calls to GitHub, before or
// after that is carried out. The next delivery brings about what one alone
// would have.
func TestGitHubKilledAtEveryCall(t *testing.T) {
	for name, world := range worlds {
		t.Run(name, func(t *testing.T) {
			s := newWorld(t, name)
			before := s.State()
			requests, _ := s.Requests()
			begun := len(requests)
			if got := outcome(mustGitHub(t, s, "").Deliver(t.Context(), world.m)); !strings.HasPrefix(got, world.want) {
				t.Fatalf("got %s, want %s", got, world.want)
			}
			want := s.State()
			if diff := cmp.Diff(before.Branches["main"], want.Branches["main"]); diff != "" {
				t.Errorf("main has changed: %s", diff)
			}
			requests, _ = s.Requests()
			for n := begun + 1; n <= len(requests); n++ {
				for _, carriedOut := range []bool{false, true} {
					s := newWorld(t, name)
					s.Intercept = func(i int, _ http.ResponseWriter, _ *http.Request) bool {
						if i > n || i == n && !carriedOut {
							panic(http.ErrAbortHandler)
						}
						return false
					}
					s.HangUpAfter = n
					if got := outcome(mustGitHub(t, s, "").Deliver(t.Context(), world.m)); !strings.HasPrefix(got, "again: ") {
						t.Errorf("cut at request %d, carried out %v: %s", n, carriedOut, got)
					}
					s.Intercept, s.HangUpAfter = nil, 0
					if got := outcome(mustGitHub(t, s, "").Deliver(t.Context(), world.m)); got[:5] != world.want[:5] { // taken or refused
						t.Errorf("after the cut at %s, carried out %v: %s", requests[n-1], carriedOut, got)
					}
					if diff := cmp.Diff(want, s.State()); diff != "" {
						t.Errorf("after the cut at %s, carried out %v: %s", requests[n-1], carriedOut, diff)
					}
					s.Close()
				}
			}
		})
	}
}

// What the worlds look like afterwards, in short.
func TestGitHubWorlds(t *testing.T) {
	type short struct {
		pulls    []string
		files    map[string]string // of the branch, below deploy
		comments int               // of sentei
		comment  string            // a piece of the last
	}
	tests := map[string]short{
		"base has moved on, other changes":      {[]string{"open"}, map[string]string{"a.yml": "new\n", "b.yml": "old b\n"}, 1, "### Payments: 1,200"},
		"nothing left":                          {[]string{"closed"}, map[string]string{"a.yml": "new\n", "b.yml": "old b\n"}, 1, "No changes are left, so this pull request is closed."},
		"merged, then more":                     {[]string{"closed", "open"}, map[string]string{"a.yml": "newest\n", "b.yml": "old b\n"}, 2, "### Payments: 1,200"},
		"merged with the commits of a reviewer": {[]string{"closed", "open"}, map[string]string{"a.yml": "new\n", "b.yml": "new b\n"}, 2, "### Payments"},
		"merged, the changes are there":         {[]string{"closed"}, map[string]string{"a.yml": "new\n", "b.yml": "old b\n"}, 1, "### an earlier report"},
		"somebody changed a file":               {[]string{"open"}, map[string]string{"a.yml": "somebody's\n", "b.yml": "new b\n"}, 1, "**Not done:**\n\n- left out deploy/a.yml: on the branch main"},
		"somebody changed all files":            {[]string{"closed"}, map[string]string{"a.yml": "new\n", "b.yml": "old b\n"}, 1, "closed.\n\n**Not done:**\n\n- left out deploy/a.yml"},
		"commits of a reviewer":                 {[]string{"open"}, map[string]string{"a.yml": "new\n", "b.yml": "old b\n"}, 1, "holds commits that are not sentei's"},
		"one change is on main already":         {[]string{"open"}, map[string]string{"a.yml": "new\n", "b.yml": "new b\n"}, 1, "### Payments"},
		"many comments":                         {[]string{"open"}, map[string]string{"a.yml": "newer\n", "b.yml": "old b\n"}, 1, "### Payments"},
	}
	for name, want := range tests {
		s := newWorld(t, name)
		_ = mustGitHub(t, s, "").Deliver(t.Context(), worlds[name].m) // TestGitHubKilledAtEveryCall looks at it
		got := short{files: map[string]string{}, comment: want.comment}
		state := s.State()
		if worlds[name].want == "taken" && want.pulls[len(want.pulls)-1] == "open" && state.Branches[ownBranch].Parent != "refs/heads/main" {
			t.Errorf("%s: the commit stands on %s", name, state.Branches[ownBranch].Parent)
		}
		for _, p := range state.Pulls {
			got.pulls = append(got.pulls, p.State)
		}
		for path, content := range state.Branches[ownBranch].Files {
			if file, ok := strings.CutPrefix(path, "deploy/"); ok {
				got.files[file] = content
			}
		}
		for _, c := range state.Comments {
			if c.Author == "sentei-bot" {
				got.comments++
				if !strings.Contains(c.Body, want.comment) {
					got.comment = c.Body
				}
			}
		}
		if got.comments == 2 { // the first is of the merged one
			got.comment = want.comment
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(short{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestGitHubBackends changes no file of a backend of which another is left
// out, and all those of other backends.
func TestGitHubBackends(t *testing.T) {
	s := newGitHubServer(t)
	s.Commit("main", "config", map[string]string{"deploy/a.yml": "somebody's\n", "deploy/b.yml": "old b\n", "deploy/c.yml": "old c\n"})
	m := edits("a.yml", "old\n", "new\n", "b.yml", "old b\n", "new b\n", "c.yml", "old c\n", "new c\n")
	m.Edits[1].Backend = m.Edits[0].Backend
	err := mustGitHub(t, s, "").Deliver(t.Context(), m)
	if err == nil || !strings.Contains(err.Error(), "left out deploy/b.yml: another file of backend a.yml is left out") {
		t.Error(err)
	}
	files := s.State().Branches[ownBranch].Files
	if got := files["deploy/b.yml"] + files["deploy/c.yml"]; got != "old b\nnew c\n" {
		t.Errorf("the branch has %q", got)
	}
}

func TestGitHubLeavesOpen(t *testing.T) {
	s := newWorld(t, "nothing left")
	if got := outcome(mustGitHub(t, s, ", close: false").Deliver(t.Context(), edits())); got != "taken" {
		t.Error(got)
	}
	if p := s.State(); p.Pulls[0].State != "open" || !strings.Contains(p.Comments[0].Body, "is **not** proposed any more") {
		t.Errorf("%+v", p)
	}
	// The base is another one now: the pull request follows.
	s.Commit("release", "begin", map[string]string{"r": "r"})
	if got := outcome(mustGitHub(t, s, ", base: release").Deliver(t.Context(), edits("a.yml", "old\n", "new\n"))); got != "taken" {
		t.Error(got)
	}
	if p := s.State(); len(p.Pulls) != 1 || p.Pulls[0].Base != "release" || p.Branches[ownBranch].Files["r"] != "r" {
		t.Errorf("%+v", p)
	}
}

func TestGitHubPlaces(t *testing.T) {
	s := newGitHubServer(t)
	s.Commit("main", "config", map[string]string{"deploy/a.yml": "a\n", "deploy/dir/b.yml": "b\n", "deploy/link": "mode 120000 a\n", "deploy/sub": "mode 160000 x"})
	tests := []struct {
		more  string
		edits []string
		want  string
	}{
		{", strip_prefix: /etc/prometheus/", []string{"/etc/prometheus/dir/b.yml", "b\n", "c\n"}, "taken"},
		{", strip_prefix: /etc/prometheus", []string{"/etc/prometheus2/b.yml", "b\n", "c\n"}, "its path does not begin with strip_prefix"},
		{"", []string{"/etc/a.yml", "a\n", "c\n"}, "its path is absolute: set strip_prefix"},
		{"", []string{"../../a.yml", "a\n", "c\n"}, "its path leads out of the repository"},
		{"", []string{"../README.md", "# Monitoring\n", "c\n"}, "taken"},
		{"", []string{"none.yml", "a\n", "c\n"}, "there is no such file on the branch main: check path_prefix and strip_prefix"},
		{"", []string{"a.yml/b.yml", "a\n", "c\n"}, "in the repository a.yml is no folder"},
		{"", []string{"dir", "a\n", "c\n"}, "in the repository it is no regular file"},
		{"", []string{"link", "a\n", "c\n"}, "in the repository it is no regular file"},
		{"", []string{"sub", "x", "c\n"}, "in the repository it is no regular file"},
		{"", []string{"sub/x", "x", "c\n"}, "in the repository sub is no folder"},
		{"", []string{"a.yml", "a\n", "c\n", "./a.yml", "a\n", "d\n"}, "two different changes of it"},
		{"", []string{"a.yml", "a\n", "c\n", "./a.yml", "a\n", "c\n"}, "taken"},
		{"", []string{"a.yml", "a\n", "a\n"}, "taken"},
	}
	for _, tt := range tests {
		if got := outcome(mustGitHub(t, s, tt.more).Deliver(t.Context(), edits(tt.edits...))); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %s, want %s", tt.edits, got, tt.want)
		}
	}
}

// What GitHub says, and what becomes of the delivery.
func TestGitHubRefuses(t *testing.T) {
	answer := func(at string, status int, body string, header ...string) func(*githubtest.Server) {
		return func(s *githubtest.Server) {
			s.Intercept = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.Method+" "+r.URL.Path, at) {
					return false
				}
				for i := 0; i < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				w.WriteHeader(status)
				io.WriteString(w, body)
				return true
			}
		}
	}
	lacks := func(scope, level string) func(*githubtest.Server) {
		return func(s *githubtest.Server) { s.Permissions[scope] = level }
	}
	tests := map[string]struct {
		change func(*githubtest.Server)
		more   string
		want   string
	}{
		"wrong token":       {func(s *githubtest.Server) { s.Token = "other" }, "", "refused: read the repository: 401 Unauthorized: Bad credentials (the token is wrong or has expired: check token_file)"},
		"other repository":  {nil, ", repository: example/other", "refused: read the repository: 404 Not Found (does example/other exist? The token needs the permission Metadata: read for it)"},
		"no such base":      {nil, ", base: trunk", "refused: read the base branch trunk: 404 Not Found (does example/monitoring exist? The token needs the permission contents=read for it)"},
		"base is branch":    {nil, ", base: " + ownBranch, "refused: the branch " + ownBranch + " is the base of pull requests: set branch to another"},
		"cannot read":       {lacks("contents", "none"), "", "refused: read the base branch main: 404 Not Found"},
		"cannot write":      {lacks("contents", "read"), "", "refused: write the file deploy/a.yml: 403 Forbidden: Resource not accessible by personal access token (does example/monitoring exist? The token needs the permission contents=write for it)"},
		"no pulls":          {lacks("pull_requests", "read"), "", "refused: open the pull request: 403 Forbidden: Resource not accessible by personal access token (does example/monitoring exist? The token needs the permission pull_requests=write for it)"},
		"no issues":         {lacks("issues", "read"), "", "refused: add the labels: 403 Forbidden"},
		"no drafts":         {func(s *githubtest.Server) { s.NoDrafts = true }, ", draft: true", "refused: open the pull request: 422 Unprocessable Entity: Draft pull requests are not supported in this repository. (set draft: false)"},
		"no reviewer":       {func(s *githubtest.Server) { s.Collaborators = nil }, "", "refused: https://github.com/example/monitoring/pull/1: ask for reviews: 422 Unprocessable Entity: Reviews may only be"},
		"protected":         {answer("POST /repos/example/monitoring/git/refs", 422, `{"message":"Repository rule violations found"}`), "", "refused: move the branch " + ownBranch + ": 422 Unprocessable Entity: Repository rule violations found"},
		"raced to a branch": {answer("POST /repos/example/monitoring/git/refs", 422, `{"message":"Reference already exists"}`), "", "again: move the branch " + ownBranch + ": 422 Unprocessable Entity: Reference already exists"},
		"raced to a pull":   {answer("POST /repos/example/monitoring/pulls", 422, `{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for example:x."}]}`), "", "again: open the pull request: 422 Unprocessable Entity: Validation Failed, A pull request already exists for example:x."},
		"field is wrong":    {answer("POST /repos/example/monitoring/pulls", 422, `{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"head","code":"invalid"}]}`), "", "refused: open the pull request: 422 Unprocessable Entity: Validation Failed, head is invalid"},
		"empty repository":  {answer("GET /repos/example/monitoring/git/ref/heads/main", 409, `{"message":"Git Repository is empty."}`), "", "again: read the base branch main: 409 Conflict: Git Repository is empty."},
		"rate limit":        {answer("GET /repos/example/monitoring/pulls", 403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795424467"), "", "later 1m0s: find the pull request: the rate limit of 5000 requests an hour is used up"},
		"rate limit 429":    {answer("GET /repos/example/monitoring/pulls", 429, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795424400"), "", "later 1s: find the pull request: the rate limit"},
		"secondary limit": {answer("POST /repos/example/monitoring/issues/1/comments", 403, `{"message":"You have exceeded a secondary rate limit.","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"}`, "Retry-After", "90"),
			"", "later 1m30s: write the comment: too many requests at once: You have exceeded a secondary rate limit."},
		"403 to wait":     {answer("GET /repos/example/monitoring/pulls", 403, `{"message":"wait"}`, "Retry-After", "5"), "", "later 5s: find the pull request: 403 Forbidden: wait"},
		"maintenance":     {answer("GET /repos/example/monitoring", 503, "<html>", "Retry-After", "60"), "", "later 1m0s: read the repository: 503 Service Unavailable"},
		"bad gateway":     {answer("PATCH /", 502, ""), "", "taken"},
		"server error":    {answer("POST /repos/example/monitoring/git/trees", 500, "ghp_verysecret"), "", "again: write the files: 500 Internal Server Error"},
		"page of a proxy": {answer("GET /repos/example/monitoring", 200, "<html>"), "", "again: read the repository: invalid character '<'"},
		"half an answer":  {answer("GET /repos/example/monitoring", 200, `{"default_branch":`), "", "again: read the repository: unexpected EOF"},
		"renamed":         {answer("POST /repos/example/monitoring/pulls", 301, "", "Location", "/repositories/1/pulls"), "", "refused: open the pull request: redirected elsewhere: has the repository a new name?"},
		"token told":      {answer("GET /repos/example/monitoring", 400, `{"message":"no ghp_verysecret here"}`), "", "refused: read the repository: 400 Bad Request: no <secret> here"},
		"wrong content":   {answer("POST /repos/example/monitoring/git/blobs", 201, `{"sha":"0000"}`), "", "again: write the file deploy/a.yml: what arrived is not what was sent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newWorld(t, "nothing yet")
			if tt.change != nil {
				tt.change(s)
			}
			text := tt.more
			if strings.Contains(text, "repository:") {
				text = ""
			}
			c := mustGitHub(t, s, text)
			if text != tt.more {
				c.(*githubChannel).name, c.(*githubChannel).Repository = "other", "example/other"
			}
			got := outcome(c.Deliver(t.Context(), edits("a.yml", "old\n", "new\n")))
			if !strings.HasPrefix(got, tt.want) || strings.Contains(got, "verysecret") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestGitHubConnections(t *testing.T) {
	s := newWorld(t, "nothing yet")
	m := edits("a.yml", "old\n", "new\n")
	for more, want := range map[string]string{
		", api_url: http://" + closedPort(t):                      "connection refused",
		", api_url: " + newReceiver(t, true, nil).URL + "/api/v3": "certificate signed by unknown authority",
	} {
		c, err := build("github", "/nowhere", "{repository: example/monitoring, token: ghp_verysecret"+more+"}")
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(c.Deliver(t.Context(), m)); !strings.HasPrefix(got, "again: read the repository: ") || !strings.Contains(got, want) {
			t.Error(got)
		}
	}
	block := make(chan struct{})
	defer close(block)
	slow := newReceiver(t, false, func(http.ResponseWriter, *http.Request) { <-block })
	c, err := build("github", "/nowhere", "{repository: example/monitoring, token: x, timeout: 50ms, api_url: "+slow.URL+"}")
	if err != nil {
		t.Fatal(err)
	}
	if got := outcome(c.Deliver(t.Context(), m)); got != "again: read the repository: not done within the timeout of 50ms" {
		t.Error(got)
	}
	if got := outcome(mustGitHub(t, s, "").Deliver(canceled(), m)); got != "again: read the repository: context canceled" {
		t.Error(got)
	}
	c, err = build("github", "/nowhere", "{repository: example/monitoring, token_file: none, api_url: "+s.URL+"}")
	if err != nil {
		t.Fatal(err)
	}
	if got := outcome(c.Deliver(t.Context(), m)); got != "again: read token_file: open /nowhere/none: no such file or directory" {
		t.Error(got)
	}
}

func TestGitHubCutsLongTexts(t *testing.T) {
	s := newWorld(t, "nothing yet")
	m := edits("a.yml", "old\n", "new\n")
	m.Text = strings.Repeat("line & é\n\n```\n"+strings.Repeat("code\n", 100)+"```\n\n", 300)
	m.Relabel = strings.Repeat("x", 200_000)
	m.Title = strings.Repeat("t", 300)
	if got := outcome(mustGitHub(t, s, "").Deliver(t.Context(), m)); got != "taken" {
		t.Fatal(got)
	}
	state := s.State()
	if body := state.Comments[0].Body; strings.Count(body, "```")%2 != 0 || !strings.Contains(body, "**The text is cut") || !strings.Contains(body, "[Open the report]") {
		t.Errorf("%d characters end in %s", len(body), body[len(body)-300:])
	}
	if body := state.Pulls[0].Body; !strings.Contains(body, "**The description is cut") || !strings.Contains(body, "Made by sentei") {
		t.Errorf("%d characters end in %s", len(body), body[len(body)-300:])
	}
}

func TestCutMarkdown(t *testing.T) {
	tests := []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"},
		{"one\ntwo\nthree\nfour and more than that, and more still\n", 30, "one\ntwo\nthree\n\n**cut**"},
		{"a\n```\nb\nc\nd\ne and more than that, and more still\n```\n", 26, "a\n```\nb\nc\nd\n```\n\n**cut**"},
		{"<details>\na\n\n" + strings.Repeat("b\n", 30) + "</details>", 40, "<details>\na\n\nb\n\n</details>\n\n**cut**"},
		{strings.Repeat("é", 60), 60, strings.Repeat("é", 4) + "\n\n**cut**"},
	}
	for _, tt := range tests {
		if got := cutMarkdown(tt.text, tt.most, "cut"); got != tt.want || len(got) > tt.most {
			t.Errorf("%q at %d: %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func TestBlobSHA(t *testing.T) {
	if got := blobSHA([]byte("hello\n")); got != "ce013625030ba8dba906f756967f9e9ca394464a" { // git hash-object
		t.Error(got)
	}
}

func TestGitHubOptions(t *testing.T) {
	for more, want := range map[string]string{
		"{token: a}":                    `repository is "": write it like owner/name`,
		"{repository: a/b/c, token: a}": `repository is "a/b/c"`,
		"{repository: a/b}":             "set token_file, or token",
		"{repository: a/b, token: verysecret, token_file: b}":                   "both token and token_file",
		"{repository: a/b, token: verysecret, authorization: {credentials: x}}": "have no use here: set token_file",
		"{repository: a/b, token: verysecret, branch: a..b}":                    `branch is "a..b"`,
		"{repository: a/b, token: verysecret, branch: /a}":                      `branch is "/a"`,
		"{repository: a/b, token: verysecret, branch: a.lock}":                  `branch is "a.lock"`,
		"{repository: a/b, token: verysecret, branch: a, base: a}":              "branch and base are the same",
		"{repository: a/b, token: verysecret, api_url: 'ftp://x'}":              "api_url is no http",
		"{repository: a/b, token: verysecret, timeout: 0s}":                     "timeout must be more",
		"{repository: a/b, token: verysecret, label: x}":                        "field label not found",
	} {
		_, err := build("github", "/nowhere", more)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "verysecret") {
			t.Errorf("%s: %v, want %q", more, err, want)
		}
	}
}

// Whatever happens between deliveries, and wherever they are cut: there is
// never more than one open pull request, nobody's commits are lost, main is
// only changed by others, and after a delivery that is taken the branch holds
// exactly the wanted changes.
func TestGitHubAlways(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newWorld(t, "nothing yet")
		defer s.Close()
		c := mustGitHub(t, s, "")
		texts := rapid.SampledFrom([]string{"old\n", "new\n", "newer\n"})
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			state := s.State()
			open := 0
			for _, p := range state.Pulls {
				if p.State == "open" {
					open = p.Number
				}
			}
			switch rapid.SampledFrom([]string{"deliver", "deliver", "deliver", "commit", "merge", "foreign"}).Draw(rt, "step") {
			case "commit":
				s.Commit("main", "work", map[string]string{"deploy/" + rapid.SampledFrom([]string{"a.yml", "b.yml", "c.yml"}).Draw(rt, "file"): texts.Draw(rt, "text")})
			case "merge":
				if open > 0 {
					s.Merge(open)
				}
			case "foreign":
				if open > 0 {
					s.Commit(ownBranch, "fix", map[string]string{"fix": texts.Draw(rt, "fix")})
				}
			case "deliver":
				deliverAndCheck(rt, s, c, texts)
			}
		}
	})
}

func deliverAndCheck(rt *rapid.T, s *githubtest.Server, c Channel, texts *rapid.Generator[string]) {
	before := s.State()
	m := edits()
	for _, file := range []string{"a.yml", "b.yml"} {
		if rapid.Bool().Draw(rt, "edit") {
			m.Edits = append(m.Edits, Edit{Path: file, Backend: file, Old: []byte(texts.Draw(rt, "old")), New: []byte(texts.Draw(rt, "new"))})
		}
	}
	requests, _ := s.Requests()
	cut := len(requests) + rapid.IntRange(1, 30).Draw(rt, "cut")
	s.Intercept = func(i int, _ http.ResponseWriter, _ *http.Request) bool {
		if i > cut {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	s.HangUpAfter = cut
	got := outcome(c.Deliver(rt.Context(), m))
	s.Intercept, s.HangUpAfter = nil, 0
	after := s.State()
	if diff := cmp.Diff(before.Branches["main"], after.Branches["main"]); diff != "" {
		rt.Fatalf("main has changed: %s", diff)
	}
	foreign := before.Branches[ownBranch].Message == "fix"
	open := slices.DeleteFunc(slices.Clone(after.Pulls), func(p githubtest.Pull) bool { return p.State != "open" })
	wasOpen := slices.ContainsFunc(before.Pulls, func(p githubtest.Pull) bool { return p.State == "open" })
	if len(open) > 1 {
		rt.Fatalf("%d pull requests are open", len(open))
	}
	if foreign && wasOpen && cmp.Diff(before.Branches[ownBranch], after.Branches[ownBranch]) != "" {
		rt.Fatal("the commits of somebody else are gone")
	}
	if got != "taken" || foreign && wasOpen {
		return
	}
	want := map[string]string{}
	changed := false
	for path, content := range after.Branches["main"].Files {
		want[path] = content
		for _, e := range m.Edits {
			if "deploy/"+e.Path == path && content == string(e.Old) && content != string(e.New) {
				want[path], changed = string(e.New), true
			}
		}
	}
	if changed != (len(open) == 1) {
		rt.Fatalf("%v changes, and %d open pull requests", changed, len(open))
	}
	if parent := after.Branches[ownBranch].Parent; changed && parent != "refs/heads/main" {
		rt.Fatalf("the commit stands on %s", parent)
	}
	if diff := cmp.Diff(want, after.Branches[ownBranch].Files); changed && diff != "" {
		rt.Fatalf("the branch holds something else: %s", diff)
	}
}
