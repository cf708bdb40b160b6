package knowledge

import "fmt"

// Finding is something a curator should mend. Message and Mend are Chinese: they
// are read by people who keep the articles.
type Finding struct {
	File    string
	Line    int // from 1; 0 when it concerns the whole file
	Message string
	Mend    string
	// Refused: what it is about is not used, and nobody may publish it.
	Refused bool
	// Advice: everything is used as it is, and nobody is kept from proposing or publishing it.
	Advice bool
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s；改法：%s", f.File, f.Line, f.Message, f.Mend)
}

func (o *outliner) find(line int, message, mend string, args ...any) {
	o.out.findings = append(o.out.findings, Finding{Line: line, Message: fmt.Sprintf(message, args...), Mend: mend})
}

// Findings are all findings of all documents, in the order of files and lines, then those of
// files that belong to none.
func (l *Library) Findings() []Finding {
	var all []Finding
	for _, d := range l.Documents {
		all = append(all, d.Findings...)
	}
	return append(all, l.findings...)
}
