package desk

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// PlaceOf names a passage as coordinators do.
func PlaceOf(p knowledge.Passage) string {
	if p.Number == 0 {
		return cmp.Or(p.Heading, shorten(p.Text, 20))
	}
	return fmt.Sprintf("%s第%d条", p.Heading, p.Number)
}

// EditOf is an edit of a passage's notes that adds nothing yet.
func EditOf(p knowledge.Passage) curate.Edit {
	if p.Section == nil {
		return curate.Edit{Starts: p.Text}
	}
	return curate.Edit{Section: p.Heading, Number: p.Number}
}

// numberWords is what was said of where a way to ask belongs: 海关直接激励措施 5, 第5条
// with or without a space; what follows is the way to ask.
var numberWords = regexp.MustCompile(`^第?\s*([0-9]{1,3})\s*条?(?:\s+|$)`)

// place finds the passage that is meant, and gives what was said after it.
func place(l *knowledge.Library, said string) (p knowledge.Passage, rest string, why string) {
	said = strings.TrimSpace(said)
	var named []knowledge.Passage
	for _, q := range l.Passages() {
		if q.Text != "" && strings.HasPrefix(said, q.Text) {
			return q, strings.TrimSpace(said[len(q.Text):]), ""
		}
	}
	for _, doc := range l.Documents {
		for _, s := range doc.Sections {
			tail, ok := strings.CutPrefix(said, s.Heading)
			tail = strings.TrimSpace(tail)
			m := numberWords.FindStringSubmatch(tail)
			if !ok || m == nil {
				continue
			}
			n, err := strconv.Atoi(m[1])
			if err != nil {
				continue
			}
			for _, q := range doc.Passages() {
				if q.Section == s && q.Number == n {
					named = append(named, q)
					rest = strings.TrimSpace(tail[len(m[0]):])
				}
			}
		}
	}
	switch len(named) {
	case 1:
		return named[0], rest, ""
	case 0:
		var headings []string
		for _, doc := range l.Documents {
			for _, s := range doc.Sections {
				headings = append(headings, s.Heading)
			}
		}
		return p, "", "没有认出是哪一条。写成：/教 节名 第几条。节有：" + strings.Join(headings, "、")
	}
	return p, "", "有几篇文章都有这一节，请写那一条的原文。"
}

// Skeleton is a file of notes for a document that has none.
func Skeleton(doc *knowledge.Document) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "document: %q\nsha256: %s\nsections:\n", doc.ID, doc.SHA256)
	for _, s := range doc.Sections {
		fmt.Fprintf(&b, "  - heading: %q\n    measures:\n", s.Heading)
		for _, m := range s.Measures {
			fmt.Fprintf(&b, "      - number: %d\n", m.Number)
		}
	}
	return []byte(b.String())
}
