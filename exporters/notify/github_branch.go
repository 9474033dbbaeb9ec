package notify

import (
	"bytes"
	"context"
	"crypto/sha1" // as git names objects
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/google/go-github/v84/github"
)

// change is a file to be written to the branch.
type change struct {
	path    string // in the repository
	mode    string
	content []byte
}

// baseCommit returns the newest commit of the base branch.
func (d *pullDelivery) baseCommit(ctx context.Context) (*github.Commit, error) {
	const needs = "Contents: read"
	// It may have got another name, and names may be written in other letters.
	repository, _, err := d.api.Repositories.Get(ctx, d.owner, d.name)
	if err != nil {
		return nil, d.fail(ctx, "read the repository", "Metadata: read", err)
	}
	if d.owner, d.name, _ = strings.Cut(repository.GetFullName(), "/"); d.name == "" {
		return nil, fmt.Errorf("read the repository: the answer names none: check api_url")
	}
	if d.base = d.Base; d.base == "" {
		d.base = repository.GetDefaultBranch()
	}
	if d.base == d.branch {
		return nil, &Refused{Err: fmt.Errorf("the branch %s is the base of pull requests: set branch to another", d.branch)}
	}
	step := "read the base branch " + d.base
	ref, _, err := d.api.Git.GetRef(ctx, d.owner, d.name, "heads/"+d.base)
	if err != nil {
		return nil, d.fail(ctx, step, needs, err)
	}
	commit, _, err := d.api.Git.GetCommit(ctx, d.owner, d.name, ref.GetObject().GetSHA())
	if err != nil {
		return nil, d.fail(ctx, step, needs, err)
	}
	return commit, nil
}

// compare returns what of the edits is to be written, sorted by path. What
// must not be written goes to the troubles, with the reason; then the other
// files of its backend are not written either.
func (d *pullDelivery) compare(ctx context.Context, tip *github.Commit) ([]change, error) {
	trees := map[string]*github.Tree{}
	edits := map[string]Edit{} // by path in the repository
	var paths []string
	broken := map[string]bool{} // backends of which something is left out
	leaveOut := func(e Edit, place, why string) {
		broken[e.Backend] = true
		d.troubles = append(d.troubles, "left out "+place+": "+why)
	}
	for _, e := range d.m.Edits {
		place, err := d.place(e.Path)
		if err != nil {
			leaveOut(e, e.Path, err.Error())
			continue
		}
		other, twice := edits[place]
		if twice && !(bytes.Equal(other.Old, e.Old) && bytes.Equal(other.New, e.New)) {
			leaveOut(other, place, "two different changes of it: give each report a channel with a path_prefix of its own")
			paths = slices.DeleteFunc(paths, func(p string) bool { return p == place })
			broken[e.Backend] = true
		} else if !twice {
			paths = append(paths, place)
		}
		edits[place] = e
	}
	slices.Sort(paths)
	var changes []change
	for _, place := range paths {
		e := edits[place]
		entry, why, err := d.find(ctx, trees, tip.GetTree().GetSHA(), place)
		switch {
		case err != nil:
			return nil, err
		case why != "":
			leaveOut(e, place, why)
		case entry.GetSHA() == blobSHA(e.New): // merged already, or no change
		case entry.GetSHA() != blobSHA(e.Old):
			leaveOut(e, place, "on the branch "+d.base+" it is not the file that sentei has read, and a change would undo the difference: deploy what is in the repository, or bring it up to date")
		default:
			changes = append(changes, change{place, entry.GetMode(), e.New})
		}
	}
	return slices.DeleteFunc(changes, func(c change) bool {
		e := edits[c.path]
		if broken[e.Backend] {
			leaveOut(e, c.path, "another file of backend "+e.Backend+" is left out, and they are changed together")
		}
		return broken[e.Backend]
	}), nil
}

// place returns where a file lies in the repository.
func (d *pullDelivery) place(name string) (string, error) {
	rest := name
	if d.StripPrefix != "" {
		var found bool
		prefix := strings.TrimRight(d.StripPrefix, "/")
		if rest, found = strings.CutPrefix(name, prefix+"/"); !found {
			return "", fmt.Errorf("its path does not begin with strip_prefix %s", d.StripPrefix)
		}
	}
	if path.IsAbs(rest) {
		return "", errors.New("its path is absolute: set strip_prefix to what of it is not in the repository")
	}
	place := path.Join(strings.Trim(d.PathPrefix, "/"), rest)
	if place == "." || place == ".." || strings.HasPrefix(place, "../") {
		return "", errors.New("its path leads out of the repository: set path_prefix to where it lies")
	}
	return place, nil
}

// find returns the entry of a file in the tree, or why it cannot be changed.
func (d *pullDelivery) find(ctx context.Context, trees map[string]*github.Tree, root, place string) (*github.TreeEntry, string, error) {
	sha := root
	var entry *github.TreeEntry
	for name := range strings.SplitSeq(place, "/") {
		if entry != nil && entry.GetType() != "tree" {
			return nil, "in the repository " + entry.GetPath() + " is no folder", nil
		}
		if trees[sha] == nil {
			tree, _, err := d.api.Git.GetTree(ctx, d.owner, d.name, sha, false)
			if err != nil {
				return nil, "", d.fail(ctx, "read the files of "+d.base, "Contents: read", err)
			}
			trees[sha] = tree
		}
		i := slices.IndexFunc(trees[sha].Entries, func(e *github.TreeEntry) bool { return e.GetPath() == name })
		if i < 0 {
			return nil, "there is no such file on the branch " + d.base + ": check path_prefix and strip_prefix", nil
		}
		entry = trees[sha].Entries[i]
		sha = entry.GetSHA()
	}
	if entry.GetType() != "blob" || entry.GetMode() != "100644" && entry.GetMode() != "100755" {
		return nil, "in the repository it is no regular file", nil
	}
	return entry, "", nil
}

// blobSHA returns the name that git gives to the content of a file.
func blobSHA(content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// push makes the branch one commit with the changes on top of the tip. kept
// are commits that GitHub keeps in pull requests which are closed. When the
// branch is somebody else's work, it stays as it is, which becomes a trouble.
func (d *pullDelivery) push(ctx context.Context, tip *github.Commit, changes []change, kept []string) (foreign bool, err error) {
	const needs = "Contents: write"
	tree, err := d.writeTree(ctx, tip, changes)
	if err != nil {
		return false, err
	}
	message := d.title() + "\n\nMade by sentei: what each change does stands in the pull request.\n\n" + treeTrailer + tree.GetSHA() + "\n"

	ref, _, err := d.api.Git.GetRef(ctx, d.owner, d.name, "heads/"+d.branch)
	if err != nil && status(err) != http.StatusNotFound {
		return false, d.fail(ctx, "read the branch "+d.branch, needs, err)
	}
	exists := err == nil
	if exists {
		sha := ref.GetObject().GetSHA()
		head, _, err := d.api.Git.GetCommit(ctx, d.owner, d.name, sha)
		if err != nil {
			return false, d.fail(ctx, "read the branch "+d.branch, needs, err)
		}
		own := strings.Contains(head.GetMessage(), treeTrailer+head.GetTree().GetSHA()) && len(head.Parents) == 1
		if !own && !slices.Contains(kept, sha) {
			d.troubles = append(d.troubles, "the branch "+d.branch+" holds commits that are not sentei's, so it stays as it is: merge or close its pull request, or delete the branch")
			return true, nil
		}
		if own && head.Parents[0].GetSHA() == tip.GetSHA() && head.GetTree().GetSHA() == tree.GetSHA() && sameText(head.GetMessage(), message) {
			return false, nil
		}
	}
	commit, _, err := d.api.Git.CreateCommit(ctx, d.owner, d.name, github.Commit{
		Message: &message, Tree: tree, Parents: []*github.Commit{{SHA: tip.SHA}},
	}, nil)
	if err != nil {
		return false, d.fail(ctx, "write the commit", needs, err)
	}
	if exists {
		_, _, err = d.api.Git.UpdateRef(ctx, d.owner, d.name, "heads/"+d.branch, github.UpdateRef{SHA: commit.GetSHA(), Force: new(true)})
	} else {
		_, _, err = d.api.Git.CreateRef(ctx, d.owner, d.name, github.CreateRef{Ref: "refs/heads/" + d.branch, SHA: commit.GetSHA()})
	}
	if err == nil {
		return false, nil
	}
	failure := d.fail(ctx, "move the branch "+d.branch, needs, err)
	if said(err, "Reference already exists") || said(err, "Reference does not exist") {
		return false, errors.New(failure.Error()) // somebody was faster: look again
	}
	return false, failure
}

// writeTree stores the files of the tip with the changes.
func (d *pullDelivery) writeTree(ctx context.Context, tip *github.Commit, changes []change) (*github.Tree, error) {
	const needs = "Contents: write"
	var entries []*github.TreeEntry
	for _, c := range changes {
		step := "write the file " + c.path
		blob, _, err := d.api.Git.CreateBlob(ctx, d.owner, d.name, github.Blob{
			Content: new(base64.StdEncoding.EncodeToString(c.content)), Encoding: new("base64"),
		})
		if err != nil {
			return nil, d.fail(ctx, step, needs, err)
		}
		if blob.GetSHA() != blobSHA(c.content) {
			return nil, d.fail(ctx, step, needs, errors.New("what arrived is not what was sent"))
		}
		entries = append(entries, &github.TreeEntry{Path: &c.path, Mode: &c.mode, Type: new("blob"), SHA: blob.SHA})
	}
	tree, _, err := d.api.Git.CreateTree(ctx, d.owner, d.name, tip.GetTree().GetSHA(), entries)
	if err != nil {
		return nil, d.fail(ctx, "write the files", needs, err)
	}
	return tree, nil
}

// treeTrailer names, in a commit of sentei, the tree that it was made with: a
// commit that somebody has amended has another.
const treeTrailer = "Sentei-Tree: "
