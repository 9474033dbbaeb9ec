package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/prometheus/common/config"
)

// A Checker is a channel that can tell ahead of a delivery what stands in its
// way on this machine. Each channel that reads or writes files is one.
type Checker interface {
	// Check looks at the files that the options name, as a delivery would find
	// them now. It changes nothing and asks nothing of the network. It returns
	// every mistake; none holds a secret.
	Check(ctx context.Context) []Mistake
}

// Mistake is what is wrong with an option, and what to do about it.
type Mistake struct {
	Option []string // its keys, from the options of the channel down
	Err    error
}

// checks collects mistakes.
type checks []Mistake

func (c *checks) add(err error, option ...string) {
	if err != nil {
		*c = append(*c, Mistake{option, err})
	}
}

// secret checks a file that holds one secret; an empty path stands for none.
func (c *checks) secret(path string, option ...string) {
	if path == "" {
		return
	}
	if _, err := readSecret(path); err != nil {
		c.add(fmt.Errorf("%w: each delivery reads it; put it there, readable for sentei, or correct the path", err), option...)
	}
}

// tls checks the files of a TLS configuration.
func (c *checks) tls(ctx context.Context, o *config.TLSConfig, option ...string) {
	if _, err := config.NewTLSConfigWithContext(ctx, o); err != nil {
		c.add(fmt.Errorf("%w: correct the file, or the path", err), option...)
	}
}

// client checks the files of an HTTP client. Those of its tls_config are read
// when the client is made.
func (c *checks) client(ctx context.Context, o *config.HTTPClientConfig) {
	c.secret(o.BearerTokenFile, "bearer_token_file")
	if a := o.BasicAuth; a != nil {
		c.secret(a.UsernameFile, "basic_auth", "username_file")
		c.secret(a.PasswordFile, "basic_auth", "password_file")
	}
	if a := o.Authorization; a != nil {
		c.secret(a.CredentialsFile, "authorization", "credentials_file")
	}
	if a := o.OAuth2; a != nil {
		c.secret(a.ClientSecretFile, "oauth2", "client_secret_file")
		c.secret(a.ClientCertificateKeyFile, "oauth2", "client_certificate_key_file")
		c.tls(ctx, &a.TLSConfig, "oauth2", "tls_config")
	}
	if o.HTTPHeaders == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(o.HTTPHeaders.Headers)) {
		for _, path := range o.HTTPHeaders.Headers[name].Files {
			c.secret(path, "http_headers", name, "files")
		}
	}
}

// Check implements Checker.
func (p *poster) Check(ctx context.Context) []Mistake {
	var c checks
	if p.urlFile != "" {
		text, err := readSecret(p.urlFile)
		switch {
		case err != nil:
			c.secret(p.urlFile, "url_file")
		default:
			if err := checkURL(text); err != nil {
				c.add(fmt.Errorf("the address in %s %w", p.urlFile, err), "url_file")
			}
		}
	}
	c.client(ctx, &p.options)
	return c
}

// Check implements Checker.
func (w *webhookChannel) Check(ctx context.Context) []Mistake {
	c := checks(w.poster.Check(ctx))
	c.secret(w.secretFile, "secret_file")
	return c
}

// Check implements Checker.
func (c *emailChannel) Check(ctx context.Context) []Mistake {
	var found checks
	found.secret(c.AuthPasswordFile, "auth_password_file")
	found.tls(ctx, &c.TLSConfig, "tls_config")
	return found
}

// Check implements Checker.
func (g *githubChannel) Check(ctx context.Context) []Mistake {
	var c checks
	c.secret(g.TokenFile, "token_file")
	c.client(ctx, &g.HTTP)
	return c
}

// Check implements Checker. A folder that is not there yet is made by the first
// delivery.
func (c *folderChannel) Check(context.Context) []Mistake {
	var found checks
	found.add(canBeFolder(c.Directory), "directory")
	return found
}

// canBeFolder returns an error when something that is no folder stands at the
// path, or at one of those above it.
func canBeFolder(path string) error {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return nil
		case err == nil:
			return fmt.Errorf("%s is a file: name a folder, or move the file away", path)
		}
		if _, link := os.Lstat(path); link == nil {
			return fmt.Errorf("%w: let sentei open it, or name another folder", err)
		}
		above := filepath.Dir(path)
		if above == path || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("%w: let sentei open it, or name another folder", err)
		}
		path = above
	}
}
