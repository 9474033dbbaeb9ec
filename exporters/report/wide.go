package report

import (
	"io"

	"github.com/sentei/sentei"
)

var wideFormat = Format{
	Name:        "wide",
	Extension:   ".txt",
	ContentType: "text/plain; charset=utf-8",
	Title:       "as table, with all metrics and more columns",
	Lists:       true,
	Write: func(w io.Writer, r *sentei.Report, o Options) error {
		return writeText(w, r, o, true)
	},
}
