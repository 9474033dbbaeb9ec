package sentei

// Doc is the documentation of a source, a rule or a dialect, kept beside its
// code. The pages in docs/ and the explain commands are made from it.
type Doc struct {
	// Title says in one line what the thing is for.
	Title string
	// Text explains it in Markdown: what it reads or does, what it needs, and
	// its limits.
	Text string
	// Example is its configuration, as YAML with comments, every option
	// included.
	Example string
}
