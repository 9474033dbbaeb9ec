package notify

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-github/v84/github"
)

const (
	pullsWrite  = "Pull requests: write"
	issuesWrite = "Issues: write"
)

// title is that of the commit and the pull request. It does not change from
// report to report.
func (d *pullDelivery) title() string {
	title := "sentei: proposals of the report " + d.m.Report
	if d.m.Part != "" {
		title += ", " + d.m.Part
	}
	return oneLine(printable(title), 200)
}

// findPull returns the pull request that is open from the branch, nil for
// none, and the newest commits of those that are closed.
func (d *pullDelivery) findPull(ctx context.Context) (open *github.PullRequest, kept []string, err error) {
	// The newest come first, and another one is only opened when none is open.
	list, _, err := d.api.PullRequests.List(ctx, d.owner, d.name, &github.PullRequestListOptions{
		State: "all", Head: d.owner + ":" + d.branch, ListOptions: github.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, nil, d.fail(ctx, "find the pull request", "Pull requests: read", err)
	}
	for _, pull := range list {
		head := pull.GetHead()
		if head.GetRef() != d.branch || head.GetRepo().GetFullName() != d.owner+"/"+d.name {
			continue
		}
		if pull.GetState() == "closed" {
			kept = append(kept, head.GetSHA())
		} else if open == nil {
			open = pull
		}
	}
	return open, kept, nil
}

// openPull opens the pull request, or brings the open one up to date.
func (d *pullDelivery) openPull(ctx context.Context, open *github.PullRequest) (*github.PullRequest, error) {
	title := d.title()
	body := cutMarkdown(strings.TrimSpace(d.m.Relabel), bodyLimit-2000, "The description is cut, GitHub takes no longer one. The diff has all changes.") +
		"\n\n---\nMade by sentei and kept up to date: each report replaces the commit and this description. Reject or snooze a proposal in sentei to have it out of here.\n"
	if open == nil {
		pull, _, err := d.api.PullRequests.Create(ctx, d.owner, d.name, &github.NewPullRequest{
			Title: &title, Body: &body, Head: &d.branch, Base: &d.base, Draft: &d.Draft,
		})
		if err != nil {
			failure := d.fail(ctx, "open the pull request", pullsWrite, err)
			if said(err, "already exists") || said(err, "No commits between") {
				failure = errors.New(failure.Error()) // somebody was faster: look again
			}
			return nil, failure
		}
		return pull, nil
	}
	update := &github.PullRequest{}
	if open.GetTitle() != title {
		update.Title = &title
	}
	if !sameText(open.GetBody(), body) {
		update.Body = &body
	}
	if open.GetBase().GetRef() != d.base {
		update.Base = &github.PullRequestBranch{Ref: &d.base}
	}
	if update.Title == nil && update.Body == nil && update.Base == nil {
		return open, nil
	}
	pull, _, err := d.api.PullRequests.Edit(ctx, d.owner, d.name, open.GetNumber(), update)
	if err != nil {
		return nil, d.fail(ctx, "edit the pull request", pullsWrite, err)
	}
	return pull, nil
}

func (d *pullDelivery) closePull(ctx context.Context, pull *github.PullRequest) error {
	_, _, err := d.api.PullRequests.Edit(ctx, d.owner, d.name, pull.GetNumber(), &github.PullRequest{State: new("closed")})
	if err != nil {
		return d.fail(ctx, "close the pull request", pullsWrite, err)
	}
	return nil
}

// comment writes or edits the one comment of sentei. While there is none the
// pull request is new: labels and reviewers come first, so that they are not
// forgotten when this delivery ends between two calls.
func (d *pullDelivery) comment(ctx context.Context, pull *github.PullRequest, news string) error {
	marker := "<!-- sentei: " + strings.ReplaceAll(seriesName(d.m), "--", "/") + " -->"
	number := pull.GetNumber()
	var mine *github.IssueComment
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for mine == nil {
		list, response, err := d.api.Issues.ListComments(ctx, d.owner, d.name, number, options)
		if err != nil {
			return d.fail(ctx, "read the comments", issuesWrite, err)
		}
		for _, c := range list {
			if strings.HasPrefix(c.GetBody(), marker) && mine == nil {
				mine = c
			}
		}
		if options.Page = response.NextPage; options.Page == 0 {
			break
		}
	}
	if mine == nil {
		if err := d.decorate(ctx, number); err != nil {
			return err
		}
	}
	body := d.commentBody(marker, news)
	if mine == nil {
		if _, _, err := d.api.Issues.CreateComment(ctx, d.owner, d.name, number, &github.IssueComment{Body: &body}); err != nil {
			return d.fail(ctx, "write the comment", issuesWrite, err)
		}
		return nil
	}
	if sameText(mine.GetBody(), body) {
		return nil
	}
	if _, _, err := d.api.Issues.EditComment(ctx, d.owner, d.name, mine.GetID(), &github.IssueComment{Body: &body}); err != nil {
		return d.fail(ctx, "edit the comment", issuesWrite, err)
	}
	return nil
}

// decorate adds labels and asks for reviews.
func (d *pullDelivery) decorate(ctx context.Context, number int) error {
	if len(d.Labels) > 0 {
		if _, _, err := d.api.Issues.AddLabelsToIssue(ctx, d.owner, d.name, number, d.Labels); err != nil {
			return d.fail(ctx, "add the labels", issuesWrite, err)
		}
	}
	if len(d.Reviewers)+len(d.TeamReviewers) == 0 {
		return nil
	}
	_, _, err := d.api.PullRequests.RequestReviewers(ctx, d.owner, d.name, number, github.ReviewersRequest{Reviewers: d.Reviewers, TeamReviewers: d.TeamReviewers})
	if status(err) == http.StatusUnprocessableEntity {
		// The pull request is worth more than its reviewers.
		d.troubles = append(d.troubles, d.fail(ctx, "ask for reviews", pullsWrite, err).Error())
		return nil
	}
	if err != nil {
		return d.fail(ctx, "ask for reviews", pullsWrite, err)
	}
	return nil
}

// commentBody writes the comment: what is new about the pull request, what is
// left out, and then the text of the report.
func (d *pullDelivery) commentBody(marker, news string) string {
	head := marker + "\n### " + escapeMarkdown(d.m.Title) + "\n\n"
	if news != "" {
		head += news + "\n\n"
	}
	if len(d.troubles) > 0 {
		var list strings.Builder
		for _, trouble := range d.troubles {
			list.WriteString("- " + escapeMarkdown(trouble) + "\n")
		}
		head += "**Not done:**\n\n" + cutMarkdown(strings.TrimSpace(list.String()), bodyLimit/4, "There is more that was not done.") + "\n\n"
	}
	foot := "\n\n" + escapeMarkdown(origin(d.m))
	text := strings.TrimSpace(d.m.Text)
	if d.m.Link != "" && (!linked(d.m) || len(text)+len(head)+len(foot) > bodyLimit/2) {
		foot = "\n\n[Open the report](<" + strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "").Replace(d.m.Link) + ">) · " + strings.TrimSpace(foot)
	}
	text = cutMarkdown(text, bodyLimit-len(head)-len(foot), "The text is cut, GitHub takes no longer one. The report has all of it.")
	return head + text + foot
}

// sameText compares as GitHub does, which may have changed line ends.
func sameText(a, b string) bool {
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return clean(a) == clean(b)
}

// nothing says that no changes are left, and what the message says about that.
func (d *pullDelivery) nothing(news string) string {
	if why := strings.TrimSpace(d.m.Relabel); why != "" && len(d.m.Edits) == 0 {
		news += "\n\n" + cutMarkdown(why, bodyLimit/4, "There is more that no change can be made of.")
	}
	return news
}
