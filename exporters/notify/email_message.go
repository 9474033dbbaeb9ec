package notify

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"slices"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/sentei/sentei/internal/markdown"
	"github.com/sentei/sentei/internal/number"
)

//go:embed email.html
var emailPage string

// compose writes the mail, with at most limit bytes of attachments before they
// are encoded.
func (c *emailChannel) compose(m *Message, limit int64) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(c.from)
	msg.ToMailAddress(c.to...)
	if len(c.cc) > 0 {
		msg.CcMailAddress(c.cc...)
	}
	msg.Subject(oneLine(printable(m.Title), 200))
	msg.SetDateWithValue(c.now())
	_, domain, _ := strings.Cut(c.from.Address, "@")
	sum := sha256.Sum256([]byte(m.Key))
	msg.SetMessageIDWithValue(hex.EncodeToString(sum[:16]) + ".sentei@" + domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no answer of an absent person
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")

	attachments, note, err := attach(m, limit)
	if err != nil {
		return nil, err
	}
	msg.SetBodyString(gomail.TypeTextPlain, emailPlain(m, note))
	page, err := emailHTML(m, note)
	if err != nil {
		return nil, err
	}
	msg.AddAlternativeString(gomail.TypeTextHTML, page)
	for _, f := range attachments {
		kind := f.ContentType
		if _, _, err := mime.ParseMediaType(kind); err != nil {
			kind = "application/octet-stream"
		}
		err := msg.AttachReader(f.Name, bytes.NewReader(f.Body), gomail.WithFileContentType(gomail.ContentType(printable(kind))))
		if err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	_, err = msg.WriteTo(&raw)
	return raw.Bytes(), err
}

// printable replaces what no header may hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// origin says which report a message is.
func origin(m *Message) string {
	text := "sentei, report " + m.Report
	if m.Part != "" {
		text += ", " + m.Part
	}
	return printable(text + ", " + number.Minute(m.At))
}

// linked reports whether the text of a message links to the report itself.
func linked(m *Message) bool { return strings.Contains(m.Text, "]("+m.Link+")") }

func emailPlain(m *Message, note string) string {
	parts := []string{markdown.Plain(markdown.Parse(m.Text))}
	if m.Link != "" && !linked(m) {
		parts = append(parts, "The report: "+m.Link)
	}
	if note != "" {
		parts = append(parts, note)
	}
	return strings.Join(append(parts, "-- \n"+origin(m)+"\n"), "\n\n")
}

// emailFact is a number at the top of the mail.
type emailFact struct{ Name, Value, Note string }

func emailFacts(f *Facts) []emailFact {
	facts := []emailFact{{"active series", number.Count(f.Series), number.Growth(f.SeriesGrowth)}}
	if f.Currency != "" {
		growth := ""
		if f.PerMonthGrowth != nil {
			growth = number.SignedMoney(*f.PerMonthGrowth)
		}
		facts = append(facts, emailFact{f.Currency + " a month", number.Money(f.PerMonth), growth})
	}
	saving := "would save " + number.Count(f.SavingSeries) + " series"
	return append(facts, emailFact{"open proposals", number.Count(int64(f.Proposals)), saving})
}

func emailHTML(m *Message, note string) (string, error) {
	page, err := template.New("mail").Parse(emailPage)
	if err != nil {
		return "", err
	}
	text, err := markdown.HTML(m.Text)
	if err != nil {
		return "", err
	}
	link := m.Link
	if linked(m) {
		link = ""
	}
	var b strings.Builder
	err = page.Execute(&b, map[string]any{
		"Title": m.Title, "Link": link, "Note": note, "Origin": origin(m), "Facts": emailFacts(&m.Facts),
		"Text": template.HTML(text),
	})
	return b.String(), err
}

// attach chooses what to attach, and says what not: all files, or all of them
// in an archive, or as many as fit.
func attach(m *Message, limit int64) ([]File, string, error) {
	left := slices.Clone(m.Files)
	slices.SortStableFunc(left, func(a, b File) int { return len(b.Body) - len(a.Body) }) // the largest first
	if size(left) <= limit {
		return m.Files, "", nil
	}
	archived := number.Size(float64(limit))
	for i := range left {
		archive, err := zipFiles(m, left[i:])
		if err != nil {
			return nil, "", err
		}
		if int64(len(archive)) > limit {
			continue
		}
		note := "The files of the report are in an archive: together they are larger than " + archived + "."
		if i > 0 {
			note += " Left out, because the mail would be too large: " + names(left[:i]) + "."
		}
		return []File{{Name: seriesName(m) + ".zip", ContentType: "application/zip", Body: archive}}, note, nil
	}
	return nil, "No files are attached, because the mail would be too large: " + names(left) + ".", nil
}

func size(list []File) int64 {
	n := int64(0)
	for _, f := range list {
		n += int64(len(f.Body))
	}
	return n
}

func names(list []File) string {
	var text []string
	for _, f := range list {
		text = append(text, fmt.Sprintf("%s (%s)", f.Name, number.Size(float64(len(f.Body)))))
	}
	return strings.Join(text, ", ")
}

func zipFiles(m *Message, list []File) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range list {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: m.At.UTC()})
		if err != nil {
			return nil, err
		}
		if _, err := entry.Write(f.Body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
