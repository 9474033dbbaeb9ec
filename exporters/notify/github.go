package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v84/github"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

var gitHub = source.New("github", sentei.Doc{
	Title: "Opens a pull request with the changes to your own files, and keeps it up to date.",
	Text: `
The changes are those of ` + "`sentei propose -o diff`" + `: your Prometheus configuration and rule files as they would be with the
proposals that are accepted, and with those that are pending when the report has ` + "`pending: true`" + `. They are one commit on top of
the newest commit of the base branch, on a branch of sentei's own, by default sentei/REPORT, and sentei/REPORT--PART for a
report that is split up. Each delivery

- makes the commit anew when the base branch or the changes have moved on, and replaces the one on the branch;
- opens a pull request when none is open from the branch, or brings title, description and base up to date;
- writes one comment with what the report says, or edits the one it has written; with that first comment it adds labels and
  asks for reviews;
- closes the pull request, and says so in the comment, when no changes are left (` + "`close: false`" + ` leaves it open).

A report without changes opens nothing, and what is not proposed any more is never left to be merged. To have a proposal out
of the pull request, reject or snooze it in sentei; to close the pull request does not help, as the next report opens another.
Title and description are sentei's own: write comments instead.

Nobody's work is undone. A file is changed only when the one on the base branch is, byte by byte, the one that sentei has
read; else it is left out, with the other files of its backend, since some changes need others. The comment says so, and the
delivery counts as failed. So deploy what is in the repository. A branch
with commits of others (GitHub's button Update branch makes one, too) is not replaced either, unless they are kept in a pull
request that is closed: merge or close it, or delete the branch.

The path of each file is that of the diff, without ` + "`strip_prefix`" + ` and below ` + "`path_prefix`" + `. Templates are not edited: the files
must lie in the repository as Prometheus reads them. Symbolic links and submodules are left out.

The token needs, as a fine-grained one, Contents: write, Pull requests: write and Issues: write (for labels) for the
repository; as a classic one, repo. The file is read anew for each delivery, so the short-lived token of a GitHub App does, too,
when something keeps it fresh. Rate limits and failures of the connection are tried again at the time that GitHub names;
401, 403, 404 and 422 are final, and the error names the permission that is missing. Descriptions and comments above 65,536
characters are cut, and say so.
`,
	Example: `- github:
    repository: example/monitoring # owner/name
    token_file: github-token     # or token
    base: main                   # the default branch of the repository when it is left out
    branch: sentei/weekly        # sentei/ and the name of the report when it is left out; -- and the part are added
    strip_prefix: /etc/prometheus # taken off the path of each file
    path_prefix: prometheus      # the folder in the repository where the files lie
    labels: [sentei]
    reviewers: [alice]
    team_reviewers: [platform]
    draft: false                 # true: opened as a draft
    close: true                  # when no changes are left
    api_url: https://api.github.com # of GitHub Enterprise: https://HOST/api/v3
    timeout: 2m                  # for one delivery
    # Options of the HTTP client of Prometheus, such as:
    proxy_url: http://proxy:3128
`,
}, githubOptions{
	APIURL: "https://api.github.com", Close: true, Timeout: model.Duration(2 * time.Minute), HTTP: config.DefaultHTTPClientConfig,
}, newGitHub)

type githubOptions struct {
	Repository    string                  `yaml:"repository"`
	Token         config.Secret           `yaml:"token"`
	TokenFile     string                  `yaml:"token_file"`
	Base          string                  `yaml:"base"`
	Branch        string                  `yaml:"branch"`
	StripPrefix   string                  `yaml:"strip_prefix"`
	PathPrefix    string                  `yaml:"path_prefix"`
	Labels        []string                `yaml:"labels"`
	Reviewers     []string                `yaml:"reviewers"`
	TeamReviewers []string                `yaml:"team_reviewers"`
	Draft         bool                    `yaml:"draft"`
	Close         bool                    `yaml:"close"`
	APIURL        string                  `yaml:"api_url"`
	Timeout       model.Duration          `yaml:"timeout"`
	HTTP          config.HTTPClientConfig `yaml:",inline"`
}

type githubChannel struct {
	githubOptions
	owner, name string // of the repository
	api         *url.URL
	client      *http.Client
	now         func() time.Time
	mu          sync.Mutex // one delivery at a time
}

var (
	repositoryName = regexp.MustCompile(`^([A-Za-z0-9-]+)/([A-Za-z0-9._-]+)$`)
	branchName     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
)

func newGitHub(o githubOptions, env source.Env) (Channel, error) {
	repository := repositoryName.FindStringSubmatch(o.Repository)
	if repository == nil {
		return nil, fmt.Errorf("repository is %q: write it like owner/name", o.Repository)
	}
	switch {
	case o.Token == "" && o.TokenFile == "":
		return nil, errors.New("set token_file, or token")
	case o.Token != "" && o.TokenFile != "":
		return nil, errors.New("both token and token_file are set: leave one out")
	case o.HTTP.BasicAuth != nil || o.HTTP.Authorization != nil || o.HTTP.OAuth2 != nil || o.HTTP.BearerToken != "" || o.HTTP.BearerTokenFile != "":
		return nil, errors.New("basic_auth, authorization, oauth2 and bearer_token have no use here: set token_file")
	case o.Branch != "" && (!branchName.MatchString(o.Branch) || strings.Contains(o.Branch, "..") || strings.HasSuffix(o.Branch, ".lock") || strings.HasSuffix(o.Branch, ".")):
		return nil, fmt.Errorf("branch is %q: use letters, digits, dots, hyphens, underscores and slashes", o.Branch)
	case o.Branch != "" && o.Branch == o.Base:
		return nil, errors.New("branch and base are the same: the branch is replaced by each delivery")
	case o.Timeout <= 0:
		return nil, errors.New("timeout must be more than 0s")
	}
	if o.TokenFile != "" {
		o.TokenFile = env.Path(o.TokenFile)
	}
	api, err := url.Parse(o.APIURL)
	if err != nil || api.Scheme != "http" && api.Scheme != "https" || api.Host == "" || api.User != nil || api.RawQuery != "" {
		return nil, fmt.Errorf("api_url is no http or https address: write it like https://github.example.com/api/v3")
	}
	api.Path = strings.TrimRight(api.Path, "/") + "/"
	client, err := httpClient(&o.HTTP, env)
	if err != nil {
		return nil, err
	}
	return &githubChannel{githubOptions: o, owner: repository[1], name: repository[2], api: api, client: client, now: env.Now}, nil
}

// Deliver implements Channel. Each call to GitHub may be the last one: what is
// there is compared with what should be, step by step, so that the next
// delivery goes on where this one ended.
func (g *githubChannel) Deliver(ctx context.Context, m *Message) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	token := string(g.Token)
	if g.TokenFile != "" {
		var err error
		if token, err = readSecret(g.TokenFile); err != nil {
			return fmt.Errorf("read token_file: %w", err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(g.Timeout), fmt.Errorf("not done within the timeout of %s", g.Timeout))
	defer cancel()
	api := github.NewClient(g.client).WithAuthToken(token)
	api.BaseURL = g.api
	api.DisableRateLimitCheck = true // whoever calls Deliver waits
	d := &pullDelivery{githubChannel: g, api: api, m: m, owner: g.owner, name: g.name, branch: g.Branch}
	if d.branch == "" {
		d.branch = "sentei/" + seriesName(m)
	} else if m.Part != "" {
		d.branch += "--" + slug(m.Part)
	}
	d.secrets.add(token)
	return d.run(ctx)
}

// pullDelivery is one delivery of a message.
type pullDelivery struct {
	*githubChannel
	api *github.Client
	m   *Message
	// owner and name are those of the repository as GitHub has them.
	owner, name  string
	base, branch string
	secrets      secrets
	// troubles are what did not work out although the delivery went on.
	troubles []string
}

func (d *pullDelivery) run(ctx context.Context) error {
	tip, err := d.baseCommit(ctx)
	if err != nil {
		return err
	}
	changes, err := d.compare(ctx, tip)
	if err != nil {
		return err
	}
	open, kept, err := d.findPull(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(changes) > 0:
		var foreign bool
		if foreign, err = d.push(ctx, tip, changes, kept); err != nil {
			return err
		}
		if !foreign {
			if open, err = d.openPull(ctx, open); err != nil {
				return err
			}
		}
		if open != nil {
			err = d.comment(ctx, open, "")
		}
	case open != nil && d.Close:
		if err = d.comment(ctx, open, d.nothing("No changes are left, so this pull request is closed.")); err == nil {
			err = d.closePull(ctx, open)
		}
	case open != nil:
		err = d.comment(ctx, open, d.nothing("No changes are left: what this pull request changes is **not** proposed any more. Close it."))
	}
	if err != nil || len(d.troubles) == 0 {
		return err
	}
	where := "no pull request"
	if open != nil {
		where = open.GetHTMLURL()
	}
	return &Refused{Err: fmt.Errorf("%s: %s", where, strings.Join(d.troubles, "; "))}
}
