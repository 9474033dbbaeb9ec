package promapi

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
)

// PostRaw posts a body to a part of the API that does not answer in JSON. It
// hands the answer, when the server says yes, to read, which may be called
// more than once; what it reads is bounded as all answers are. Errors are those
// of the other calls.
func (c *Client) PostRaw(ctx context.Context, path string, header http.Header, body []byte, read func(http.Header, io.Reader) error) error {
	return c.retry(ctx, http.MethodPost, path, exchange{func(ctx context.Context) (*http.Request, error) {
		target := c.base.String() + path
		if len(c.params) > 0 {
			target += "?" + c.params.Encode()
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		maps.Copy(req.Header, header)
		return req, nil
	}, func(resp *http.Response) error {
		if resp.StatusCode/100 == 2 && !isHTML(resp, nil) {
			return halfBody(read(resp.Header, &bounded{resp.Body, c.maxBody}))
		}
		text, err := c.readBody(resp)
		if err != nil {
			return err
		}
		return c.check(resp, text, (&answer[any]{}).decode)
	}})
}

// bounded is a reader that fails after so many bytes.
type bounded struct {
	io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLarge
	}
	return n, err
}
