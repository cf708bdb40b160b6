package knowledge

import "regexp"

// Provenance is where the words of a document were published, as far as that is
// known. It stands in the front matter or in the notes; the notes win.
type Provenance struct {
	// URL is the page that the words were published on. It is quoted to askers, so what
	// could be read as markup of a message is left out, with a finding.
	URL    string `yaml:"url,omitempty"`
	Author string `yaml:"author,omitempty"`
	// Read says how much of that page was compared with the document.
	Read string `yaml:"read,omitempty"`
}

// Known reports whether anything of it is.
func (p Provenance) Known() bool { return p.URL != "" || p.Author != "" }

// plainURL is an address of the web without a user, white space or any character
// that Markdown or a mention gives a meaning.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9/._~%?&=#+,;:-]*)?$`)

// maxURL bounds an address, in bytes: it must leave room on the smallest screen.
const maxURL = 500

// checkURL finds fault with an address that cannot be shown to people, of a document or of a
// page that a basis cites. Nothing of it is kept, and nobody may publish it.
func checkURL(line int, url string) (finding Finding, bad bool) {
	if url == "" || len(url) <= maxURL && plainURL.MatchString(url) {
		return Finding{}, false
	}
	return Finding{Line: line, Message: "url 不是可以给人看的网址：" + url, Refused: true,
		Mend: "写成 http:// 或 https:// 开头的完整网址，汉字、括号等改成 %28 这样的写法"}, true
}

// take takes over what is known from q, whose address is on a line of its file, and gives
// what is wrong with it.
func (p *Provenance) take(q Provenance, line int) (finding Finding, bad bool) {
	if finding, bad = checkURL(line, q.URL); bad {
		q.URL = ""
	}
	if q.URL != "" {
		p.URL, p.Read = q.URL, fold(q.Read)
	}
	if q.Author != "" {
		p.Author = fold(q.Author)
	}
	return finding, bad
}
