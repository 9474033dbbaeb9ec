package remotetest

import (
	"bytes"
	"io"
	"net/http"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"
)

// sampled hands a request on as one that asks for samples, as a server takes
// it that cannot stream.
func sampled(w http.ResponseWriter, r *http.Request, next http.Handler) {
	request, err := remote.DecodeReadRequest(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request.AcceptedResponseTypes = []prompb.ReadRequest_ResponseType{prompb.ReadRequest_SAMPLES}
	body, err := request.Marshal()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(snappy.Encode(nil, body)))
	next.ServeHTTP(w, r)
}
